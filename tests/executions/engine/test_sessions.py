"""Cookie jars of executions: one jar an execution and name, whatever runs beside each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Team
from executions.engine import run_step as engine
from executions.engine.sessions import StepSessions
from executions.models import Execution, ExecutionStep, SessionState
from executions.models.session import OF_ALL_STEPS
from executions.starting.rerun import rerun
from executions.states import ExecutionStatus, Source
from steprunners.network.http_pool import close_connections
from tests.executions.driving import at_once, begin, choice, drive
from tests.executions.rows import make_execution, make_step
from tests.steprunners.target import Exchange, Target

pytestmark = pytest.mark.usefixtures("driven")


@pytest.fixture
def server() -> Iterator[Target]:
    """A server whose `/set?name=value` sets a cookie, whose `/unset?name` removes one, and that has `/ok`."""
    with Target() as target:
        target.route("/set", lambda exchange: _answer(exchange, f"{_query(exchange)}; Path=/"))
        target.route("/unset", lambda exchange: _answer(exchange, f"{_query(exchange)}=; Path=/; Max-Age=0"))
        target.route("/ok", _answer)
        target.route("/fail", lambda exchange: exchange.reply(500))
        yield target
    close_connections()


def _answer(exchange: Exchange, *cookies: str) -> None:
    exchange.reply(headers=[("Set-Cookie", each) for each in cookies])


def _query(exchange: Exchange) -> str:
    return exchange.path.partition("?")[2]


def http(server: Target, name: str, path: str, jar: str | None = "j", **envelope: Any) -> dict[str, Any]:
    meta = {"url": server.url + path, **({"cookieJar": jar} if jar else {})}
    return {"name": name, "stepType": "http", "meta": meta, **envelope}


def sent(server: Target, path: str = "/ok") -> list[set[str]]:
    """Return the cookies of each request to the path."""
    found = [each.headers.get("cookie", "") for each in server.received if each.path == path]
    return [set(filter(None, header.split("; "))) for header in found]


def test_items_of_a_for_each_add_their_cookies(team: Team, server: Target) -> None:
    items = ["a", "b", "c"]
    set_all = http(server, "set", "/set?${item}=1", forEach=items)
    done = drive(begin(team, [set_all, http(server, "see", "/ok")]))
    assert done.status == ExecutionStatus.COMPLETED
    assert sent(server) == [{"a=1", "b=1", "c=1"}]
    assert [sent(server, f"/set?{item}=1")[0] for item in items] == [set(), {"a=1"}, {"a=1", "b=1"}]


def test_items_of_a_for_each_may_name_other_jars(team: Team, server: Target) -> None:
    steps = [
        http(server, "set", "/set?${item}=1", "${item}", forEach=["a", "b"]),
        http(server, "see_a", "/ok", "a"),
        http(server, "see_b", "/ok", "b"),
        http(server, "see_none", "/ok", None),
    ]
    drive(begin(team, steps))
    assert sent(server) == [{"a=1"}, {"b=1"}, set()]


def test_an_item_that_fails_leaves_the_cookies_before_it(team: Team, server: Target) -> None:
    set_all = http(server, "set", "/${item}?a=1", forEach=["set", "fail"], continueOnFailure=True)
    drive(begin(team, [set_all, http(server, "see", "/ok")]))
    assert sent(server) == [{"a=1"}]


def test_attempts_add_their_cookies(team: Team, server: Target) -> None:
    answers = iter(["a", "b"])

    def flaky(exchange: Exchange) -> None:
        name = next(answers, None)
        exchange.reply(503 if name else 200, headers=[("Set-Cookie", f"{name}=1")] if name else [])

    server.route("/flaky", flaky)
    again = http(
        server, "flaky", "/flaky", retry={"maxRetries": 2, "initialDelayMs": 0, "retryOn": ["FAILED"]}
    )
    drive(begin(team, [again, http(server, "see", "/ok")]))
    assert sent(server, "/flaky") == [set(), {"a=1"}, {"a=1", "b=1"}]
    assert sent(server) == [{"a=1", "b=1"}]


def test_steps_of_a_branch_share_the_jar_of_the_execution(team: Team, server: Target) -> None:
    steps = [
        http(server, "first", "/set?a=1"),
        choice("fork", [http(server, "inner", "/set?b=1")]),
        http(server, "see", "/ok"),
    ]
    drive(begin(team, steps))
    assert sent(server) == [{"a=1", "b=1"}]


def test_background_steps_at_the_same_time_add_their_cookies(alone: None, team: Team, server: Target) -> None:
    count = 4
    meeting = threading.Barrier(count)

    def meet(exchange: Exchange) -> None:
        meeting.wait(20)
        _answer(exchange, f"{_query(exchange)}=1")

    server.route("/meet", meet)
    steps = [http(server, f"s{number}", f"/meet?c{number}", runInBackground=True) for number in range(count)]
    see = http(server, "see", "/ok")
    execution = begin(team, [http(server, "login", "/set?sid=1"), *steps, see])
    engine.run_step(execution.pk, None, begin=True)
    at_once(*(lambda at=at: engine.run_step(execution.pk, at) for at in range(1, count + 1)))
    drive(execution)
    assert sent(server)[-1] == {"sid=1", *(f"c{number}=1" for number in range(count))}


def test_a_removal_stays_while_a_slow_step_ends_later(alone: None, team: Team, server: Target) -> None:
    removed, asked = threading.Event(), threading.Event()

    def slow(exchange: Exchange) -> None:
        asked.set()
        assert removed.wait(20)
        _answer(exchange, "slow=1")

    server.route("/slow", slow)
    steps = [
        http(server, "login", "/set?sid=1"),
        http(server, "slow", "/slow", runInBackground=True),
        http(server, "logout", "/unset?sid"),
        http(server, "see", "/ok"),
    ]
    execution = begin(team, steps)
    engine.run_step(execution.pk, None, begin=True)

    def foreground() -> None:
        assert asked.wait(20)
        engine.run_step(execution.pk, 2)
        removed.set()

    at_once(lambda: engine.run_step(execution.pk, 1), foreground)
    drive(execution)
    assert sent(server, "/slow") == [{"sid=1"}]
    assert sent(server) == [{"slow=1"}]


def test_a_worker_that_lost_its_step_writes_no_cookies(team: Team) -> None:
    step = make_step(make_execution(team), 0, fence=2)
    late = ExecutionStep.objects.get(pk=step.pk)
    late.fence = 1
    for worker in (late, step):
        sessions = StepSessions(worker)
        _, changes = sessions.open("http:j")
        changes[str(worker.fence)] = {"at": 1}
        sessions.save()
    assert StepSessions(step).open("http:j")[0] == {"2": {"at": 1}}


@pytest.mark.parametrize("name", ["\x00", "\ud800", "x" * 5_000])
def test_any_text_names_a_jar(team: Team, name: str) -> None:
    sessions = StepSessions(make_step(make_execution(team), 0))
    _, changes = sessions.open(name)
    changes["a"] = {"at": 1}
    sessions.save()
    assert sessions.open(name)[0] == {"a": {"at": 1}}


def test_a_step_adds_to_what_it_stored_before_a_wait(team: Team) -> None:
    execution = make_execution(team)
    step = make_step(execution, 0)
    for name in ("a", "b"):
        sessions = StepSessions(step)
        _, changes = sessions.open("http:j")
        changes[name] = {"at": 1}
        sessions.save()
        sessions.save()
    assert set(StepSessions(step).open("http:j")[0]) == {"a", "b"}
    assert StepSessions(step).open("http:other")[0] == {}
    assert StepSessions(step).open(None) == ({}, {})
    assert StepSessions(make_step(make_execution(team), 0)).open("http:j")[0] == {}
    assert SessionState.objects.count() == 1


def test_cookies_that_the_release_before_stored_are_read(team: Team, server: Target) -> None:
    execution = begin(
        team, [http(server, "see", "/ok"), http(server, "set", "/set?b=2"), http(server, "all", "/ok")]
    )
    old = {"name": "a", "value": "1", "path": "/", "secure": False, "expires": None, "domain": "127.0.0.1",
           "domain_specified": False, "domain_initial_dot": False, "path_specified": True}  # fmt: skip
    SessionState.objects.create(execution=execution, key="http:j", position=OF_ALL_STEPS, value=[old])
    drive(execution)
    assert sent(server) == [{"a=1"}, {"a=1", "b=2"}]


@pytest.fixture
def failed(team: Team, server: Target) -> Execution:
    steps = [
        http(server, "login", "/set?sid=1"),
        http(server, "other", "/set?o=1", "k"),
        http(server, "more", "/set?more=1"),
        http(server, "see", "/ok"),
        http(server, "again", "/set?sid=2"),
        http(server, "bad", "/fail"),
    ]
    done = drive(begin(team, steps))
    assert done.status == ExecutionStatus.FAILED
    server.received.clear()
    return done


@pytest.mark.parametrize(
    ("from_", "path", "cookies"),
    [
        ({"from_step": "see"}, "/ok", {"sid=1", "more=1"}),
        ({"from_step": "more"}, "/ok", {"sid=1", "more=1"}),
        ({"from_step": "bad"}, "/fail", {"sid=2", "more=1"}),
        ({"from_": "FAILED"}, "/fail", {"sid=2", "more=1"}),
        ({}, "/set?sid=1", set()),
    ],
)
def test_a_re_run_takes_over_the_cookies_of_the_steps_before(
    server: Target, failed: Execution, from_: dict[str, str], path: str, cookies: set[str]
) -> None:
    again = drive(rerun(execution=failed, user=None, source=Source.API, **from_))
    assert sent(server, path)[0] == cookies
    third = drive(rerun(execution=again, user=None, source=Source.API, from_="FAILED"))
    assert third.status == ExecutionStatus.FAILED
    assert sent(server, "/fail")[-1] == {"sid=2", "more=1"}
