"""The rows that a document is planned into: order, links, branches, needs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from executions.broker.chain import LINKS, follow_links
from executions.models import Execution
from executions.starting.planning import Plan, Planned, plan
from executions.states import START, StepStatus
from steprunners.documents.envelope import StepEnvelope
from tests.executions.driving import choice, delay


def planned(*steps: dict[str, Any], variables: Iterable[str] = ()) -> Plan:
    return plan([StepEnvelope.model_validate(step) for step in steps], list(variables))


def links(of: Plan) -> dict[str, str | None]:
    names: dict[int | None, str | None] = {step.position: step.envelope.name for step in of.steps}
    names[None] = None
    return {step.envelope.name: names[step.next_position] for step in of.steps}


def needs_of(of: Plan, name: str) -> dict[str, bool | str]:
    step = next(step for step in of.steps if step.envelope.name == name)
    return {of.steps[position].envelope.name: needed for position, needed in step.needs}


def reads(name: str, text: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "stepType": "http", "meta": {"url": "http://127.0.0.1/", "body": text}, **fields}


def test_foreground_steps_follow_each_other() -> None:
    made = planned(delay("a"), delay("b"), delay("c"))
    assert links(made) == {"a": "b", "b": "c", "c": None}
    assert (made.cursor, made.remaining, made.clean_up_position) == (0, 3, None)


def test_nothing_to_run() -> None:
    made = planned()
    assert (made.cursor, made.remaining, made.release, made.steps) == (None, 0, [], [])


def test_background_steps_are_released_by_the_step_before() -> None:
    made = planned(
        delay("b1", runInBackground=True), delay("f1"), delay("b2", runInBackground=True), delay("f2"),
        delay("b3", runInBackground=True),
    )  # fmt: skip
    assert links(made) == {"b1": None, "f1": "f2", "b2": None, "f2": None, "b3": None}
    assert (made.cursor, made.release) == (1, [0])
    assert [made.steps[1].release, made.steps[3].release] == [[2], [4]]


def test_only_background_steps() -> None:
    made = planned(delay("a", runInBackground=True), delay("b", runInBackground=True))
    assert (made.cursor, made.release, made.remaining) == (None, [0, 1], 2)


def test_disabled_steps_are_left_out() -> None:
    made = planned(
        delay("a", disabled=True), delay("b"), choice("c", [delay("d")], disabled=True), delay("e")
    )
    assert links(made)["b"] == "e"
    assert (made.cursor, made.remaining) == (1, 2)
    rows = made.apply_to(Execution())
    assert [row.status for row in rows if row.name in "acd"] == [StepStatus.SKIPPED] * 3
    assert [row.status for row in rows if row.name in "be"] == [StepStatus.PENDING] * 2


def test_clean_up_is_a_family_of_its_own() -> None:
    made = planned(delay("a"), delay("x", alwaysRun=True), delay("b"), delay("y", alwaysRun=True))
    assert links(made) == {"a": "b", "b": None, "x": "y", "y": None}
    assert (made.remaining, made.clean_up_position) == (2, 1)


def test_disabled_clean_up_is_none() -> None:
    assert planned(delay("a"), delay("x", alwaysRun=True, disabled=True)).clean_up_position is None


def test_branches() -> None:
    made = planned(
        choice("c", [delay("a", runInBackground=True), delay("b"), delay("d")], [delay("e")]), delay("f")
    )
    condition = made.steps[0]
    assert condition.branches == {"0": [1, 3, 2, [1]], "-1": [4, 4, 4, []]}
    assert condition.end_position == 4
    assert links(made) == {"c": "f", "a": None, "b": "d", "d": None, "e": None, "f": None}
    assert [(step.group, step.branch) for step in made.steps[1:5]] == [(0, 0), (0, 0), (0, 0), (0, -1)]


def test_a_branch_whose_steps_are_all_disabled_has_no_entry() -> None:
    made = planned(choice("c", [delay("a", disabled=True)]))
    assert made.steps[0].branches == {"0": [1, 1, None, []]}


def test_nested_branches() -> None:
    made = planned(choice("c", [choice("d", [delay("a")]), delay("b")]), delay("z"))
    assert links(made) == {"c": "z", "d": "b", "a": None, "b": None, "z": None}
    assert made.steps[0].end_position == 3
    assert made.steps[1].branches == {"0": [2, 2, 2, []]}


def test_inline_steps_are_stored_once() -> None:
    made = planned(choice("c", [delay("a")], [delay("b")]))
    meta = made.steps[0].document["meta"]
    assert (meta["branches"][0]["steps"], meta["elseSteps"]) == (["a"], ["b"])


# --- needs ----------------------------------------------------------------------------------------


def test_a_referenced_step_is_required_without_a_default() -> None:
    made = planned(
        delay("a"), delay("b"), delay("c"), reads("d", "${a.delayedMs} ${b.delayedMs:-1} ${steps.c.status}")
    )
    assert needs_of(made, "d") == {"a": True, "b": False, "c": False}


def test_every_part_of_a_step_is_read() -> None:
    step = reads(
        "z", "", when={"left": "${steps.a.status}", "operator": "exists"}, forEach="${b.list}",
        assertions=[{"field": "x", "operator": "equals", "expectedValue": "${c.n}"}],
        until={"failIf": [{"field": "x", "operator": "equals", "expectedValue": "${d.n}"}]},
    )  # fmt: skip
    made = planned(delay("a"), delay("b"), delay("c"), delay("d"), step)
    assert set(needs_of(made, "z")) == {"a", "b", "c", "d"}


def test_a_key_can_need_a_step() -> None:
    step = reads("c", "")
    step["meta"]["body"] = {"${a.delayedMs}": {"${steps.b.status}": 1}}
    made = planned(delay("a"), delay("b"), step)
    assert needs_of(made, "c") == {"a": True, "b": False}


def test_an_extracted_variable_needs_its_extractor() -> None:
    made = planned(delay("a", extract={"v": "delayedMs"}), reads("b", "${v}"))
    assert needs_of(made, "b") == {"a": True}


def test_a_variable_with_other_sources_is_not_required_of_one() -> None:
    twice = planned(delay("a", extract={"v": "x"}), delay("b", extract={"v": "x"}), reads("c", "${v}"))
    assert needs_of(twice, "c") == {"a": False, "b": False}
    declared = planned(delay("a", extract={"v": "x"}), reads("c", "${v}"), variables=["v"])
    assert needs_of(declared, "c") == {"a": False}


def test_no_step_needs_a_later_step_or_itself() -> None:
    made = planned(reads("a", "${v}", extract={"v": "x"}), reads("b", "${v}", extract={"v": "x"}))
    assert needs_of(made, "a") == {}
    assert needs_of(made, "b") == {"a": True}


def test_clean_up_may_need_what_stands_below_it() -> None:
    made = planned(reads("x", "${v} ${a.n}", alwaysRun=True), delay("a", extract={"v": "x"}))
    assert needs_of(made, "x") == {"a": True}


# --- laws -----------------------------------------------------------------------------------------

flags = st.fixed_dictionaries({}, optional={"disabled": st.booleans(), "runInBackground": st.booleans()})
leaves = flags.map(lambda fields: delay("?", **fields))
conditions = st.builds(
    lambda then, otherwise, disabled: choice("?", then, otherwise, disabled=disabled),
    st.lists(leaves, max_size=3),
    st.lists(leaves, max_size=3),
    st.booleans(),
)
nested = st.builds(lambda inner, leaf: choice("?", [*inner, leaf]), st.lists(conditions, max_size=2), leaves)
flows = st.lists(st.one_of(leaves, conditions, nested, st.just(delay("?", alwaysRun=True))), max_size=8)


def name_all(steps: list[dict[str, Any]], counter: Iterable[int]) -> list[dict[str, Any]]:
    named = []
    numbers = iter(counter)
    for step in steps:
        copy = {**step, "name": f"s{next(numbers)}"}
        if step["stepType"] == "condition":
            branch = step["meta"]["branches"][0]
            inner = {**branch, "steps": name_all(branch["steps"], numbers)}
            copy["meta"] = {**step["meta"], "branches": [inner]}
            if "elseSteps" in step["meta"]:
                copy["meta"]["elseSteps"] = name_all(step["meta"]["elseSteps"], numbers)
        named.append(copy)
    return named


def walk(made: Plan, entry: int | None, release: list[int]) -> list[int]:
    """Return what is started by following the links from an entry, every branch taken."""
    started = list(release)
    at = entry
    while at is not None:
        step = made.steps[at]
        started += [at, *step.release]
        at = step.next_position
    return [*started, *(deeper for each in started for deeper in inside(made, made.steps[each]))]


def inside(made: Plan, step: Planned) -> list[int]:
    return [at for place in step.branches.values() for at in walk(made, place[2], place[3])]


@given(flows)
def test_every_enabled_step_is_started_exactly_once(steps: list[dict[str, Any]]) -> None:
    made = planned(*name_all(steps, range(1_000)))
    started = walk(made, made.cursor, made.release)
    clean_up = walk(made, made.clean_up_position, [])
    enabled = [step.position for step in made.steps if not step.disabled]
    assert sorted([*started, *clean_up]) == enabled
    assert made.remaining == len(started)


@given(flows)
def test_positions_are_the_order_of_the_document(steps: list[dict[str, Any]]) -> None:
    made = planned(*name_all(steps, range(1_000)))
    assert [step.position for step in made.steps] == list(range(len(made.steps)))
    for step in made.steps:
        assert step.position <= step.end_position
        assert step.next_position is None or step.next_position > step.end_position


@given(st.integers(0, 60))
def test_a_chain_carries_at_most_twenty(length: int) -> None:
    following: dict[int, int | None] = {at: at + 1 for at in range(length)}
    following[length] = None
    found = follow_links(following, 0)
    assert found == list(range(min(length + 1, LINKS)))


def test_nothing_in_the_foreground_is_one_link() -> None:
    assert follow_links({}, None) == [None]


# --- listeners in the background ------------------------------------------------------------------


def listen(name: str, start: str = "STEP", **fields: Any) -> dict[str, Any]:
    meta = {"resourceId": "k", "topic": "t", "startFrom": start}
    return {"name": name, "stepType": "kafka_subscribe", "meta": meta, "runInBackground": True, **fields}


def test_steps_after_a_listener_wait_for_its_start() -> None:
    made = planned(delay("a"), listen("l"), delay("b", runInBackground=True), delay("c"), delay("d"))
    assert [needs_of(made, name) for name in "abcd"] == [{}, {"l": START}, {"l": START}, {}]


def test_only_background_listeners_are_waited_for() -> None:
    foreground = listen("l", runInBackground=False)
    for before in (foreground, listen("l", "EXECUTION"), listen("l", disabled=True)):
        assert needs_of(planned(before, delay("a")), "a") == {}


def test_a_step_that_reads_the_listener_waits_for_its_end() -> None:
    made = planned(listen("l"), reads("a", "${l.count}"), reads("b", "${l.count}"))
    assert [needs_of(made, name) for name in "ab"] == [{"l": True}, {"l": True}]


def test_a_branch_s_listener_starts_before_the_steps_after_it() -> None:
    inner = [delay("x"), listen("l")]
    made = planned(choice("c", inner, [delay("y")]), delay("a"), delay("b"))
    assert [needs_of(made, name) for name in "xyab"] == [{}, {}, {"l": START}, {}]
    beside = planned(choice("c", [delay("x"), listen("l"), delay("y")], runInBackground=True), delay("a"))
    assert [needs_of(beside, name) for name in "ya"] == [{"l": START}, {}]


def test_clean_up_does_not_wait_for_listeners_that_have_ended() -> None:
    assert needs_of(planned(listen("l"), delay("a"), delay("z", alwaysRun=True)), "z") == {}
