"""What follows the end of a step, for flows that the engine's own tests do not reach: no step may be left open."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Team
from executions.engine.cancel import cancel_execution
from executions.engine.progress import moves_only_the_cursor
from executions.engine.run_step import run_step
from executions.models import Execution
from executions.states import EXECUTION_TERMINAL, STEP_TERMINAL
from tests.executions.driving import begin, choice, delay, drive, statuses, step_of

pytestmark = pytest.mark.usefixtures("driven")

NEVER = {"left": 1, "operator": "equals", "right": 2}
NO_VALUE = {"left": "${v}", "operator": "equals", "right": 2}
FAILS = {"assertions": [{"field": "delayedMs", "operator": "lt", "expectedValue": 0}]}


def ended(team: Team, steps: list[dict[str, Any]], *variables: dict[str, Any]) -> tuple[str, dict[str, str]]:
    execution = drive(begin(team, steps, declared=variables))
    assert (execution.remaining, execution.look_at) == (0, None), statuses(execution)
    return str(execution.status), statuses(execution)


def undecided(name: str, **fields: Any) -> dict[str, Any]:
    """Return a condition that ends in ERROR: its reference has no value."""
    step = choice(name, [delay(f"in_{name}")], **fields)
    step["meta"]["branches"][0]["condition"] = NO_VALUE
    return step


V = {"name": "v", "type": "string"}


def test_an_unwanted_condition_skips_its_inner_steps(team: Team) -> None:
    status, steps = ended(team, [choice("c", [delay("a")], [delay("b")], when=NEVER), delay("d")])
    assert (status, steps) == ("COMPLETED", {"c": "SKIPPED", "a": "SKIPPED", "b": "SKIPPED", "d": "SUCCESS"})


def test_a_broken_condition_skips_its_inner_steps(team: Team) -> None:
    status, steps = ended(team, [undecided("c", continueOnFailure=True), delay("d")], V)
    assert (status, steps) == ("FAILED", {"c": "ERROR", "in_c": "SKIPPED", "d": "SUCCESS"})


def test_a_broken_condition_of_clean_up_skips_its_inner_steps(team: Team) -> None:
    status, steps = ended(team, [undecided("c", alwaysRun=True), delay("d", alwaysRun=True)], V)
    assert (status, steps) == ("FAILED", {"c": "ERROR", "in_c": "SKIPPED", "d": "SUCCESS"})


def test_a_broken_condition_inside_a_branch(team: Team) -> None:
    inner = undecided("c", continueOnFailure=True)
    status, steps = ended(team, [choice("o", [inner, delay("b")]), delay("d")], V)
    assert status == "FAILED"
    assert steps == {"o": "SUCCESS", "c": "ERROR", "in_c": "SKIPPED", "b": "SUCCESS", "d": "SUCCESS"}


def test_a_condition_of_clean_up_that_never_had_what_it_needs(team: Team) -> None:
    step = choice("c", [delay("a")], alwaysRun=True)
    step["meta"]["branches"][0]["condition"] = {"left": "${dark.delayedMs}", "operator": "exists"}
    _, steps = ended(team, [delay("dark", disabled=True), step])
    assert set(steps.values()) == {"SKIPPED"}


def test_a_broken_background_condition(team: Team) -> None:
    status, steps = ended(team, [undecided("c", runInBackground=True), delay("d")], V)
    assert (status, steps) == ("FAILED", {"c": "ERROR", "in_c": "SKIPPED", "d": "SUCCESS"})


def test_a_background_condition_does_not_hold_up_the_foreground(team: Team) -> None:
    inner = [
        delay("a", extract={"n": "delayedMs"}),
        choice("i", [delay("b")]),
        delay("e", runInBackground=True),
    ]
    steps = [
        choice("c", inner, [delay("o")], runInBackground=True),
        delay("f"),
        delay("g"),
        delay("x", alwaysRun=True),
    ]
    status, found = ended(team, steps)
    assert status == "COMPLETED"
    assert {name for name, each in found.items() if each != "SUCCESS"} == {"o"}


def test_a_failed_background_branch_does_not_stop_the_foreground(team: Team) -> None:
    steps = [choice("c", [delay("a", **FAILS), delay("b")], runInBackground=True), delay("f"), delay("g")]
    status, found = ended(team, steps)
    assert status == "FAILED"
    assert found == {"c": "FAILED", "a": "FAILED", "b": "SKIPPED", "f": "SUCCESS", "g": "SUCCESS"}


def test_a_branch_of_background_steps_alone_runs_them(team: Team) -> None:
    status, found = ended(team, [choice("c", [delay("a", runInBackground=True)]), delay("f")])
    assert (status, set(found.values())) == ("COMPLETED", {"SUCCESS"})


def test_a_step_in_a_background_branch_ignores_its_condition(team: Team) -> None:
    reads = delay("a", when={"left": "${v}", "operator": "exists"})
    steps = [choice("c", [reads], runInBackground=True, extract={"v": "matchedBranch"}), delay("f")]
    assert ended(team, steps, {"name": "v", "type": "string", "defaultValue": "first"})[0] == "COMPLETED"


def test_a_failure_inside_nested_branches_fails_all_conditions(team: Team) -> None:
    steps = [choice("o", [choice("c", [delay("a", **FAILS), delay("b")]), delay("d")]), delay("e")]
    status, found = ended(team, steps)
    assert status == "FAILED"
    assert found == {
        "o": "FAILED",
        "c": "FAILED",
        "a": "FAILED",
        "b": "SKIPPED",
        "d": "SKIPPED",
        "e": "SKIPPED",
    }


def test_a_failed_step_releases_no_background_step(team: Team) -> None:
    status, found = ended(team, [delay("a", **FAILS), delay("b", runInBackground=True), delay("c")])
    assert (status, found) == ("FAILED", {"a": "FAILED", "b": "SKIPPED", "c": "SKIPPED"})


def test_background_steps_of_one_variable_do_not_deadlock(
    team: Team,
) -> None:
    wanted = {"left": "${v}", "operator": "exists"}
    both = [delay(name, runInBackground=True, when=wanted, extract={"v": "delayedMs"}) for name in ("a", "b")]
    declared = {"name": "v", "type": "string", "defaultValue": "first"}
    assert ended(team, [*both, delay("c")], declared)[0] == "COMPLETED"


def test_a_background_condition_in_a_branch_keeps_its_steps(team: Team) -> None:
    inner = choice("inner", [delay("x")], [delay("y"), delay("z")], holds=False, runInBackground=True)
    status, found = ended(team, [choice("outer", [inner], runInBackground=True), delay("c")])
    assert status == "COMPLETED"
    assert found == {
        "outer": "SUCCESS", "inner": "SUCCESS", "x": "SKIPPED", "y": "SUCCESS", "z": "SUCCESS", "c": "SUCCESS",
    }  # fmt: skip


def test_a_failed_condition_does_not_stop_its_background_steps(team: Team) -> None:
    inner = choice("inner", [delay("x"), delay("y")], runInBackground=True)
    status, found = ended(team, [choice("outer", [inner, delay("bad", **FAILS)]), delay("c")])
    assert status == "FAILED"
    assert found == {
        "outer": "FAILED", "inner": "SUCCESS", "x": "SUCCESS", "y": "SUCCESS", "bad": "FAILED", "c": "SKIPPED",
    }  # fmt: skip


def test_nothing_to_run(team: Team) -> None:
    assert ended(team, [delay("a", disabled=True)]) == ("COMPLETED", {"a": "SKIPPED"})


def test_only_clean_up(team: Team) -> None:
    assert ended(team, [delay("a", alwaysRun=True), delay("b", alwaysRun=True)])[0] == "COMPLETED"


def test_cancel_in_the_middle_runs_clean_up(team: Team) -> None:
    execution = begin(team, [delay("a"), delay("b", ms=60_000), delay("c"), delay("x", alwaysRun=True)])
    drive(execution)
    cancel_execution(execution)
    done = drive(execution)
    assert done.status == "CANCELLED"
    assert statuses(done) == {"a": "SUCCESS", "b": "CANCELLED", "c": "CANCELLED", "x": "SUCCESS"}


def test_the_sequence_counts_every_update(team: Team) -> None:
    execution = drive(begin(team, [choice("c", [delay("a"), delay("b")], [delay("d"), delay("e")])]))
    # began; c began, waits, goes on, ended; a and b began and ended; d and e skipped; completed
    assert execution.sequence == 1 + 4 + 4 + 2 + 1


# --- any order of messages ------------------------------------------------------------------------

rare = st.fixed_dictionaries(
    {},
    optional={
        "disabled": st.booleans(), "runInBackground": st.booleans(), "continueOnFailure": st.booleans(),
        "when": st.just(NEVER), "assertions": st.just(FAILS["assertions"]),
    },
)  # fmt: skip
flags: st.SearchStrategy[dict[str, Any]] = st.one_of(st.just({}), st.just({"runInBackground": True}), rare)
leaves = flags.map(lambda fields: delay("?", **fields))
conditions = st.builds(
    lambda then, otherwise, fields, holds: choice("?", then, otherwise, holds=holds, **fields),
    st.lists(leaves, max_size=3), st.lists(leaves, max_size=2), flags, st.booleans(),
)  # fmt: skip
outer = st.builds(
    lambda inner, leaf, fields: choice("?", [*inner, leaf], **fields),
    st.lists(conditions, min_size=1, max_size=2), leaves, flags,
)  # fmt: skip
clean_up = st.one_of(st.just(delay("?", alwaysRun=True)), st.just(choice("?", [delay("?")], alwaysRun=True)))
flows = st.lists(st.one_of(leaves, conditions, outer, clean_up), min_size=1, max_size=5)


def law(examples: int, *, derandomize: bool) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=derandomize,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


@law(40, derandomize=True)
@given(flows, st.randoms(use_true_random=False), st.integers(0, 8))
def test_any_order_of_messages_ends_every_step(
    team: Team, steps: list[dict[str, Any]], order: random.Random, cancel_at: int
) -> None:
    check_every_step_ends(team, steps, order, cancel_at)


@pytest.mark.soak
@law(1_500, derandomize=False)
@given(flows, st.randoms(use_true_random=False), st.integers(0, 8))
def test_many_flows_end_in_any_order_of_messages(
    team: Team, steps: list[dict[str, Any]], order: random.Random, cancel_at: int
) -> None:
    check_every_step_ends(team, steps, order, cancel_at)


def check_every_step_ends(
    team: Team, steps: list[dict[str, Any]], order: random.Random, cancel_at: int
) -> None:
    execution = begin(team, numbered(steps, iter(range(1_000))))
    if cancel_at < 4:
        drive(execution, order=order, rounds=cancel_at)
        if Execution.objects.get(pk=execution.pk).status not in EXECUTION_TERMINAL:
            cancel_execution(execution)
    done = drive(execution, order=order)
    assert done.status in EXECUTION_TERMINAL, (steps, statuses(done), done.cursor, done.remaining)
    assert done.remaining == 0
    assert set(statuses(done).values()) <= set(STEP_TERMINAL)


def numbered(steps: list[dict[str, Any]], numbers: Any) -> list[dict[str, Any]]:
    """Return the steps with names of their own, inner ones too."""
    named = []
    for step in steps:
        copy = {**step, "name": f"s{next(numbers)}", "meta": dict(step["meta"])}
        if step["stepType"] == "condition":
            branch = step["meta"]["branches"][0]
            copy["meta"]["branches"] = [{**branch, "steps": numbered(branch["steps"], numbers)}]
            if "elseSteps" in step["meta"]:
                copy["meta"]["elseSteps"] = numbered(step["meta"]["elseSteps"], numbers)
        if copy.get("runInBackground") and copy.get("alwaysRun"):
            copy.pop("runInBackground")
        named.append(copy)
    return named


# --- ends that are a single statement -------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "name", "plain"),
    [
        ([delay("a", runInBackground=True)], "a", (True, True)),  # nothing follows it, however it ends
        ([delay("a"), delay("b")], "a", (True, False)),  # the rest is skipped
        ([delay("a"), delay("b", runInBackground=True)], "a", (False, False)),  # which is let start
        ([choice("a", [delay("x")], runInBackground=True)], "a", (False, False)),
        ([choice("c", [delay("a"), delay("y")], runInBackground=True)], "a", (False, False)),
    ],
)
def test_an_end_without_consequences_is_published(
    team: Team, steps: list[dict[str, Any]], name: str, plain: tuple[bool, bool]
) -> None:
    step = step_of(begin(team, steps), name)
    assert (moves_only_the_cursor(step, on=True), moves_only_the_cursor(step, on=False)) == plain


@pytest.mark.parametrize("order", [random.Random(seed) for seed in range(3)])
def test_an_ended_background_step_wakes_those_that_wait(team: Team, order: random.Random) -> None:
    waits = delay("b", when={"left": "${a.delayedMs}", "operator": "gte", "right": 0})
    steps = [delay("a", runInBackground=True), waits, delay("c", runInBackground=True)]
    execution = begin(team, steps)
    run_step(execution.pk, None, begin=True)
    assert run_step(execution.pk, 1) is None
    assert step_of(execution, "b").awaiting
    run_step(execution.pk, 0)
    due_at = step_of(execution, "b").due_at
    assert due_at is not None
    done = drive(execution, order=order)
    assert (done.status, statuses(done)) == ("COMPLETED", dict.fromkeys("abc", "SUCCESS"))
