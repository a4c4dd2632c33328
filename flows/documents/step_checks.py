"""Checks of one step: its envelope, its meta, its assertions, its condition, its resource."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from flows.documents.step_links import Surroundings, link_problems
from flows.documents.steps import Node, walk
from flows.problems import MAX_HINTED, MAX_PROBLEMS, Place, Problem, problem_at
from steprunners.assertions.conditions import CheckedCondition, Comparison, ConditionError, check_condition
from steprunners.assertions.evaluation import Assertion, check_assertion
from steprunners.budgets.effort import TooMuchWork, check
from steprunners.documents.envelope import StepEnvelope
from steprunners.documents.validation_errors import problems_of
from steprunners.references.quoting import no_reference_in_query
from steprunners.references.resolution import Grammar, find_references, holds_reference
from steprunners.values.paths import PathSyntaxError, check_path

#: A step has at most so many assertions, and so many extracts.
MAX_PARTS = 1_000
#: What cannot be done to a step with inline steps: each is one row of the execution, which ends once.
_ONCE_ONLY = ("forEach", "until", "retry")
_CONDITION: TypeAdapter[Any] = TypeAdapter(CheckedCondition)


def check_steps(nodes: list[Node], around: Surroundings | None) -> list[Problem]:
    """Return what is wrong inside each step; `around` is what the team has, None: do not look."""
    problems: list[Problem] = []
    for node in walk(nodes):
        if len(problems) > MAX_PROBLEMS:
            break  # nobody reads on, and each further one costs time
        try:
            check()
            problems += _step_problems(node, around, has_hints=len(problems) < MAX_HINTED)
        except TooMuchWork as error:
            problems.append(
                problem_at(node.place, "too_much_work", f"checking stopped at this step: {error}")
            )
            break
    return problems


def _step_problems(node: Node, around: Surroundings | None, *, has_hints: bool) -> list[Problem]:
    too_long = list(_length_problems(node))
    if too_long:
        return too_long
    problems = _envelope_problems(node, has_hints=has_hints)
    problems += _meta_problems(node, has_hints=has_hints)
    problems += _rule_problems(node)
    problems += _assertion_problems(node)
    problems += _extract_problems(node)
    problems += _condition_problems(node)
    problems += _grammar_problems(node)
    problems += _key_problems(node)
    if around is not None:
        problems += link_problems(node, around, has_hints=has_hints)
    return problems


def _length_problems(node: Node) -> Iterator[Problem]:
    for place, part in _sized_parts(node):
        if isinstance(part, list | dict) and len(part) > MAX_PARTS:
            message = f"{place[-1]} must have at most {MAX_PARTS} elements, not {len(part)}"
            yield problem_at((*node.place, *place), "too_long", message)


def _sized_parts(node: Node) -> list[tuple[Place, Any]]:
    until = node.step.get("until")
    fail_if = until.get("failIf") if isinstance(until, dict) else None
    parts = [((key,), node.step.get(key)) for key in ("assertions", "extract")]
    return [*parts, (("until", "failIf"), fail_if)]


def _envelope_problems(node: Node, *, has_hints: bool) -> list[Problem]:
    try:
        StepEnvelope.model_validate(node.step, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        found = problems_of(
            error, node.step, StepEnvelope, node.place, has_hints=has_hints, allows_references=False
        )
        return [problem for problem in found if not _is_told_elsewhere(problem)]
    return []


def _is_told_elsewhere(problem: Problem) -> bool:
    # The envelope says these only of a step that is right otherwise; names.py and the rules below always do.
    return problem.code == "value_error" and problem.message.endswith(("is a reserved name", "when to stop"))


def _meta_problems(node: Node, *, has_hints: bool) -> list[Problem]:
    if node.runner is None or not isinstance(node.step.get("meta", {}), dict):
        return []
    model: type[BaseModel] = node.runner.config_class
    try:
        model.model_validate(node.meta, by_alias=True, by_name=False)
    except ValidationError as error:
        return problems_of(error, node.meta, model, (*node.place, "meta"), has_hints=has_hints)
    return []


def _grammar_problems(node: Node) -> Iterator[Problem]:
    """Yield references that stand where their value could be read as SQL: a run would refuse them."""
    if node.runner is None or Grammar.SQL not in node.runner.config_class.grammars.values():
        return
    told: set[Place] = set()
    for found in find_references(node.meta)[0]:
        grammar = node.runner.config_class.grammar_of(found.path, node.meta)
        if grammar is Grammar.SQL and found.path not in told:
            told.add(found.path)
            message = no_reference_in_query(found.text)
            yield problem_at((*node.place, "meta", *found.path), "reference_not_allowed", message)


def _key_problems(node: Node) -> Iterator[Problem]:
    """Yield references in keys that must be known before the run."""
    for field, why in node.runner.config_class.fixed_keys.items() if node.runner is not None else ():
        value = node.meta.get(field)
        for key in value if isinstance(value, dict) else ():
            if holds_reference(key):
                message = f"{key} cannot be used as a key: {why}"
                yield problem_at((*node.place, "meta", field, key), "reference_not_allowed", message)


def _rule_problems(node: Node) -> Iterator[Problem]:
    """Yield what contradicts the step's type or its place in the flow."""
    if node.runner is not None and not node.runner.has_deadline and node.step.get("timeoutMs") is not None:
        message = f"a {node.runner.type} step has no timeoutMs: leave it out"
        yield problem_at((*node.place, "timeoutMs"), "not_allowed", message)
    if node.step.get("until") is not None and not node.step.get("assertions"):
        yield problem_at(
            (*node.place, "until"), "not_allowed", "until needs assertions: they say when to stop"
        )
    for key in _ONCE_ONLY if node.inline else ():
        if node.step.get(key) is not None:
            holder = f"a {node.step['stepType']} with inline steps"
            message = f"{key} cannot be used on {holder}: put it on those steps"
            yield problem_at((*node.place, key), "not_allowed", message)
    is_inline = len(node.place) > 2
    if is_inline and node.step.get("alwaysRun") is True:
        yield problem_at(
            (*node.place, "alwaysRun"), "not_allowed", "an inline step cannot be a clean-up step"
        )


def _assertion_problems(node: Node) -> Iterator[Problem]:
    until = node.step.get("until")
    lists = [
        (("assertions",), node.step.get("assertions")),
        (("until", "failIf"), until.get("failIf") if isinstance(until, dict) else None),
    ]
    for path, assertions in lists:
        for index, raw in enumerate(assertions if isinstance(assertions, list) else []):
            yield from _assertion_problem(raw, (*node.place, *path, index))


def _assertion_problem(raw: Any, place: Place) -> Iterator[Problem]:
    try:
        assertion = Assertion.model_validate(raw, by_alias=True, by_name=False)
    except ValidationError:
        return  # the envelope's check says so
    message = check_assertion(assertion)
    if message is not None:
        yield problem_at(place, "bad_assertion", message)


def _extract_problems(node: Node) -> Iterator[Problem]:
    extract = node.step.get("extract")
    for name, raw in extract.items() if isinstance(extract, dict) else ():
        path = raw.get("path") if isinstance(raw, dict) else raw
        if not isinstance(path, str) or holds_reference(path):
            continue
        try:
            check_path(path)
        except PathSyntaxError as error:
            yield problem_at((*node.place, "extract", name), "bad_path", str(error))


def _condition_problems(node: Node) -> Iterator[Problem]:
    for path, condition in _conditions(node):
        place = (*node.place, *path)
        try:
            _CONDITION.validate_python(condition, by_alias=True, by_name=False)
            check_condition(condition)
        except ValidationError as error:
            yield from problems_of(error, condition, Comparison, place, allows_references=False)
        except ConditionError as error:
            yield problem_at((*place, *error.path), "bad_condition", error.message)


def _conditions(node: Node) -> Iterator[tuple[Place, Any]]:
    if node.step.get("when") is not None:
        yield ("when",), node.step["when"]
    for place, condition in node.runner.conditions(node.meta) if node.runner is not None else ():
        yield ("meta", *place), condition


def model_problems(
    raw: Any,
    model: type[BaseModel],
    place: Place = (),
    *,
    hinting: type[BaseModel] | None = None,
) -> list[Problem]:
    """Return what is wrong with `raw`, by wire names; `hinting` is the model with the names to suggest."""
    try:
        model.model_validate(raw, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        return problems_of(error, raw, hinting or model, place, allows_references=False)
    return []
