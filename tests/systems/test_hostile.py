"""Hostile inputs to every step type, against the real systems: each ends in words, and the worker goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from accounts.models import Team, User
from executions.starting.start import start_execution
from executions.states import Source
from flows.problems import FlowInvalid
from flows.selectors import check_for_team
from resources.services import save_resource
from steprunners.registry import step_types
from tests.executions.engine.conftest import finish
from tests.servers.stack import Worker
from tests.systems.conftest import PASSWORD, USER, Systems
from tests.systems.hostile import Hostile, hostile_inputs
from tests.systems.tables import told, write_table

PATIENCE_SECONDS = 120
#: What an error of the service itself would look like.
OURS = re.compile(r"unexpected (error|\w+Error|\w+Exception)|Traceback")


@pytest.fixture
def redis_port(systems: Systems) -> int:
    port = int(systems.resources["shop-redis"][1]["port"])
    with Redis(port=port, db=5, username=USER, password=PASSWORD) as client:
        client.set("hostile:text", "text")
    return port


def test_every_input_ends_in_words(
    worker: Worker,
    team: Team,
    alice: User,
    systems: Systems,
    redis_port: int,
    produce: Callable[..., None],
) -> None:
    for value in ("a" * 5_000, "[" * 100 + "1" + "]" * 100, '{"id": "42", "a": [' + "1," * 500 + "1]}"):
        produce(systems.topic, value.encode())
    for name, (kind, config) in systems.resources.items():
        save_resource(team=team, user=alice, name=name, type=kind, config=config)

    def start(hostile: Hostile) -> str | object:
        values = {"base_url": systems.addresses["shop"], "topic": systems.topic}
        values["x"] = hostile.x.replace("{redis_port}", str(redis_port))
        variables = [{"name": name} for name in values]
        try:
            raw = {"name": "Hostile", "variables": variables, "steps": [_without_none(hostile.step)]}
            document = check_for_team(team, raw)
        except FlowInvalid as refusal:
            return "; ".join(f"{each.place}: {each.message}" for each in refusal.problems)
        given = [{"name": name, "value": value} for name, value in values.items()]
        return start_execution(team=team, user=alice, source=Source.API, draft=document, variables=given)

    started = [(each, start(each)) for each in hostile_inputs()]
    seen = []
    for hostile, execution in started:
        if isinstance(execution, str):
            seen.append((hostile, "REFUSED", execution))
            continue
        step = finish(execution, PATIENCE_SECONDS)["step"]  # type: ignore[arg-type]  # all else is an execution
        seen.append((hostile, str(step.status), told(step)))
    heads = ["step type", "input", "outcome", "what the user reads"]
    write_table("HOSTILE_TABLE", heads, [(each.step_type, each.title, *rest) for each, *rest in seen])
    wrong = [
        (str(hostile), hostile.outcome, outcome, text)
        for hostile, outcome, text in seen
        if outcome != hostile.outcome or not re.search(hostile.told, text) or OURS.search(text)
    ]
    assert wrong == []
    assert not [text for _, outcome, text in seen if outcome != "SUCCESS" and len(text) < 15]


def _without_none(step: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in step.items() if value is not None}


PAGE = Path(__file__).parents[2] / "docs/hostile-inputs.md"


def test_every_step_type_has_some_and_the_page_has_them_all() -> None:
    inputs = list(hostile_inputs())
    assert {each.step_type for each in inputs} == {runner.type for runner in step_types()}
    page = PAGE.read_text()
    rows = [f"| {each.step_type} | {each.title} | {each.outcome} |" for each in inputs]
    assert [row for row in rows if row not in page] == []
