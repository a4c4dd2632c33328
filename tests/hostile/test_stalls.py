"""What is costly to check or judge ends soon, at its place, and holds up nobody else for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from accounts.models import Team, User
from flows.diffs.lines import unified_diff
from flows.documents.document import FlowInvalid, check_document
from flows.selectors import check_for_team
from steprunners.assertions.conditions import evaluate_condition
from steprunners.assertions.evaluation import Assertion, evaluate_all
from steprunners.assertions.json_schema import check_schema, schema_differences
from steprunners.budgets.effort import (
    MAX_INSTRUCTIONS,
    Host,
    NobodyWaits,
    Stopped,
    TooMuchWork,
    hosted,
    working,
)
from steprunners.deadline import Cancellation
from steprunners.references.scope import Scope
from steprunners.values.patterns import MAX_SEARCH, PatternError, SearchTooLarge, compile_regex
from tests.cast import ApiFor
from tests.executions.driving import begin
from tests.servers.stack import LiveStack, Worker

#: Far more than it takes here, far less than it took.
SOON = 20.0
HUGE = r"(a|b){1,9}[x-z]{3}\p{L}{1,%d}"


def flow(assertions: list[dict[str, Any]]) -> dict[str, Any]:
    step = {"name": "s", "stepType": "delay", "meta": {"delayMs": 0}, "assertions": assertions}
    return {"name": "attack", "steps": [step]}


def matching(expression: str) -> dict[str, Any]:
    return {"field": "durationMs", "operator": "matches", "expectedValue": expression}


def processor_seconds(work: Callable[[], object]) -> float:
    begin_at = time.thread_time()
    work()
    return time.thread_time() - begin_at


# --- expressions ----------------------------------------------------------------------------------


def test_an_expression_that_becomes_large_is_refused() -> None:
    with pytest.raises(PatternError, match="this regular expression is too large"):
        compile_regex(HUGE % 500)


@pytest.mark.parametrize(
    "expression",
    [
        r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        r"^[\p{L} '-]{1,20}$",
        r"^\w{1,200}@\w{1,200}\.[a-z]{2,10}$",
        ".{1,1000}",
        "|".join(f"ORDER-{number}" for number in range(80)),
    ],
)
def test_what_testers_write_fits(expression: str) -> None:
    compile_regex(expression)


def test_a_refusal_is_cheaper_than_the_expression_would_be() -> None:
    def refuse(most: int) -> None:
        with pytest.raises(PatternError):
            compile_regex(HUGE % most)

    took = [processor_seconds(partial(refuse, 500 - each)) for each in range(10)]
    assert min(took) < 0.03  # it was 0.08


def test_an_expression_that_is_too_large_for_a_text_is_not_tried() -> None:
    regex = compile_regex("(?:[ab]{1,30}){1,30}c")
    text = "ab" * (MAX_SEARCH // regex.instructions)
    for search in (regex.search, regex.fullmatch):
        with pytest.raises(SearchTooLarge, match="too large for a text of"):
            search(text)
    assert not regex.search("ab" * 100)


def test_assertions_and_conditions_tell_it() -> None:
    text = "ab" * (MAX_SEARCH // 1_000)
    assertion = Assertion(field="body", operator="matches", expected_value="(?:[ab]{1,30}){1,30}c")
    [outcome] = evaluate_all([assertion], {"body": text})
    assert "body cannot be checked: this regular expression" in (outcome.message or "")
    condition: Any = {"left": "${x}", "operator": "matches", "right": "(?:[ab]{1,30}){1,30}c"}
    with pytest.raises(Exception, match="cannot be evaluated: this regular expression"):
        evaluate_condition(condition, Scope(variables={"x": text}))


def test_expressions_of_a_document_are_bounded_together_whatever_is_cached() -> None:
    def stopped_at() -> int:
        with working():
            for number in range(1_000):
                try:
                    compile_regex(rf"[\pL\pN]{{1,9}}{number}")
                except TooMuchWork:
                    return number
        raise AssertionError("it was not stopped")

    first = stopped_at()
    assert first == stopped_at()
    assert first < MAX_INSTRUCTIONS / 9 / 500


# --- documents ------------------------------------------------------------------------------------


def test_six_hundred_expressions(api: ApiFor, vera: User) -> None:
    raw = flow([matching(HUGE % (500 - number % 400) + str(number)) for number in range(600)])
    begin_at = time.thread_time()
    answer = api(vera).post("/api/v1/flows/validate", raw, format="json")
    assert time.thread_time() - begin_at < SOON / 4
    errors = answer.json()["errors"]
    assert answer.status_code == 200
    assert ("too_much_work", "steps.0") in {(each["code"], each["attr"]) for each in errors}


def test_every_door_that_checks_has_the_budget(api: ApiFor, alice: User, team: Team, settings: Any) -> None:
    settings.MAX_CHECKING_MS = 1
    raw = flow([matching(rf"[\pL\pN]{{1,9}}{number}") for number in range(200)])
    client = api(alice)
    for path, body in (
        ("flows/validate", raw),
        ("flows", {**raw, "teamId": str(team.pk)}),
        (f"flows/import?teamId={team.pk}", [raw]),
        ("flows/run", {"teamId": str(team.pk), "flow": raw}),
    ):
        answer = client.post(f"/api/v1/{path}", body, format="json")
        assert answer.status_code in (200, 400), path
        assert "too_much_work" in {each["code"] for each in answer.json()["errors"]}, path


def test_reading_json_has_the_budget(api: ApiFor, alice: User, settings: Any) -> None:
    settings.MAX_CHECKING_MS = 1
    answer = api(alice).post("/api/v1/environments", {"name": ["x"] * 50_000}, format="json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "too_much_work"


def test_checking_ends_when_the_client_is_gone(team: Team) -> None:
    raw = flow([matching(f"a{number}") for number in range(600)])
    with hosted(Host(is_over=lambda: True)), pytest.raises(NobodyWaits):
        check_for_team(team, raw)


def test_a_million_values_are_refused_before_they_are_looked_at() -> None:
    values = [1] * 2_000_000

    def refuse() -> None:
        with pytest.raises(FlowInvalid, match="more than 300000 values"):
            check_document({"name": "x", "steps": values})

    assert processor_seconds(refuse) < 0.5


def test_a_step_that_is_too_much_does_not_hide_what_was_found_before() -> None:
    raw = flow([matching("(")])
    raw["steps"].append(
        {**flow([matching(rf"[\pL\pN]{{1,9}}{number}") for number in range(900)])["steps"][0], "name": "t"}
    )
    with working(), pytest.raises(FlowInvalid) as caught:
        check_document(raw)
    assert [(each.place, each.code) for each in caught.value.problems] == [
        ("steps.0.assertions.0", "bad_assertion"),
        ("steps.1", "too_much_work"),
    ]


# --- judging --------------------------------------------------------------------------------------

LONG: Any = [{"a": number} for number in range(100_000)]
HOSTILE: dict[str, Callable[[], object]] = {
    "schema that is large": lambda: check_schema(
        {"allOf": [{"properties": {f"p{i}": {"type": "string"} for i in range(1_000)}}] * 10}
    ),
    "reference to the metaschema": lambda: schema_differences(
        {"properties": {f"p{i}": {"type": "string"} for i in range(5_000)}},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        1,
    ),
    "required names by the thousand": lambda: schema_differences(
        LONG, {"items": {"anyOf": [{"required": [f"k{i}" for i in range(1_000)]}, {}]}}, 1
    ),
    "enum of thousands": lambda: schema_differences(LONG, {"items": {"enum": [*LONG[:3_000], 1]}}, 10**9),
    "equal lists": lambda: [
        evaluate_all([Assertion(field="$", operator="equals", expected_value=LONG)], LONG) for _ in range(50)
    ],
    "elements of lists": lambda: evaluate_all(
        [
            Assertion(field="$", operator="contains", expected_value={"a": -number})
            for number in range(1, 900)
        ],
        LONG,
    ),
    "JSONPaths": lambda: evaluate_all(
        [Assertion(field=f"$..*[?@.b == {number}]", operator="exists") for number in range(100)], LONG
    ),
    "hints": lambda: evaluate_all(
        [Assertion(field=f"{'abcdefgh' * 9}{number}", operator="exists") for number in range(900)],
        {f"{'hgfedcba' * 9}{number}": 1 for number in range(300)},
    ),
    "diff": lambda: unified_diff(
        [f"{i * i % 211}\n" for i in range(25_000)], [f"{i * 7 % 211}\n" for i in range(25_000)], "a", "b"
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_work_ends_with_its_processor_time(name: str) -> None:
    def work() -> None:
        with working(processor=0.1):
            try:
                HOSTILE[name]()
            except Stopped:
                return
            raise AssertionError("it was not stopped")

    assert processor_seconds(work) < SOON / 4


@pytest.mark.parametrize("name", HOSTILE)
def test_work_ends_with_a_cancel(name: str) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    host = Host(is_over=lambda: cancellation.is_cancelled)
    with hosted(host), working(), pytest.raises(NobodyWaits):
        HOSTILE[name]()


def test_a_step_that_is_too_costly_to_judge(worker: Worker, team: Team) -> None:
    variables = [
        {"name": f"huge{number}", "type": "STRING", "defaultValue": HUGE % (500 - number) + str(number)}
        for number in range(400)
    ]
    step = flow([matching(f"${{huge{number}}}") for number in range(400)])["steps"][0]
    execution = begin(team, [step], declared=variables)
    until = time.monotonic() + SOON * 3
    while execution.completed_at is None:
        assert time.monotonic() < until, "it did not end"
        time.sleep(0.1)
        execution.refresh_from_db()
    [ended] = execution.steps.all()
    assert ended.status == "ERROR"
    assert ended.error is not None
    assert ended.error["code"] == "too_much_work"
    assert "regular expressions have more than" in ended.error["message"]


# --- others ---------------------------------------------------------------------------------------


def test_others_are_answered_meanwhile(live_stack: LiveStack) -> None:
    session = live_stack.session()
    [team_id] = [each["id"] for each in session.get("teams")["results"]][:1]
    body = {**flow([matching(HUGE % (500 - n % 400) + str(n)) for n in range(600)]), "teamId": team_id}
    over, attacks = threading.Event(), list[int]()

    def attack() -> None:
        while not over.is_set():
            live_stack_session = live_stack.session()
            live_stack_session.request("POST", "flows/validate", json=body)
            attacks.append(1)

    threads = [threading.Thread(target=attack, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    took = []
    for _ in range(20):
        begin_at = time.monotonic()
        session.get("flows")
        took.append(time.monotonic() - begin_at)
        time.sleep(0.05)
    over.set()
    for thread in threads:
        thread.join(SOON * 3)
    assert len(attacks) >= len(threads)
    assert sorted(took)[len(took) // 2] < 1.0  # it was 8 s
