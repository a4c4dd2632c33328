"""The JSONPath compliance suite, through every door that takes a path: references, assertions, extract.

It runs where the suite's file is: beside the repository, or where JSONPATH_SUITE says.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from steprunners.assertions.comparisons import same
from steprunners.assertions.evaluation import Assertion, check_assertion, evaluate
from steprunners.documents.envelope import StepEnvelope
from steprunners.lifecycle.judge import extracted_values
from steprunners.references.resolution import ReferenceProblem, Scope, UnresolvedReference, resolve
from steprunners.values.paths import NoValue, PathSyntaxError, read_result

_BESIDE = Path(__file__).parents[4] / "shared/data/jsonpath-compliance.json"
SUITE = Path(os.environ.get("JSONPATH_SUITE", _BESIDE))
CASES: list[dict[str, Any]] = json.loads(SUITE.read_text())["tests"] if SUITE.exists() else []

pytestmark = pytest.mark.skipif(not CASES, reason=f"the suite is not at {SUITE}")


def named(cases: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(each, id=each["name"]) for each in cases]


VALID = named([each for each in CASES if not each.get("invalid_selector")])
WRONG = named([each for each in CASES if each.get("invalid_selector")])


def values_of(case: dict[str, Any]) -> list[Any]:
    """What a path may give: the value of one node, a list of several; [] for none. The order may be left open."""
    answers = [case["result"]] if "result" in case else case["results"]
    return [answer[0] if len(answer) == 1 else answer for answer in answers]


def is_one_of(found: Any, case: dict[str, Any]) -> bool:
    return any(same(found, value) for value in values_of(case))


def test_it_is_the_whole_suite() -> None:
    assert len(CASES) == 703


@pytest.mark.parametrize("case", VALID)
def test_a_query_gives_its_value_at_every_door(case: dict[str, Any]) -> None:
    assert is_one_of(_read(case), case)
    assert is_one_of(_referenced(case), case)
    assert is_one_of(_extracted(case), case)
    assert check_assertion(Assertion(field=case["selector"], operator="exists")) is None
    assertion = Assertion(field=case["selector"], operator="in", expected_value=values_of(case))
    outcome = evaluate(assertion, case["document"])
    assert outcome.passed or (values_of(case) == [[]] and "has no value" in str(outcome.message))


def _read(case: dict[str, Any]) -> Any:
    try:
        return read_result(case["document"], case["selector"])
    except NoValue:
        return []


def _referenced(case: dict[str, Any]) -> Any:
    try:
        return resolve(
            "${document." + case["selector"] + "}", Scope(variables={"document": case["document"]})
        )
    except UnresolvedReference:
        return []


def _extracted(case: dict[str, Any]) -> Any:
    step = StepEnvelope.model_validate({"name": "s", "stepType": "http", "extract": {"v": case["selector"]}})
    found, problem = extracted_values(step, "SUCCESS", case["document"])
    assert (problem is None) == ("v" in found)
    return found.get("v", [])


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_query_is_refused_at_every_door(case: dict[str, Any]) -> None:
    selector = case["selector"]
    if not selector.lstrip().startswith("$"):
        return  # then it is a path of names
    with pytest.raises(PathSyntaxError):
        read_result({}, selector)
    assert check_assertion(Assertion(field=selector, operator="exists")) is not None
    if selector == selector.rstrip():  # a space before the closing brace belongs to the reference
        with pytest.raises(ReferenceProblem):
            resolve("${document." + selector + "}", Scope(variables={"document": {}}))
