"""Pairs about runs, and about teams beside what they have."""

from __future__ import annotations

from typing import Any

from executions.models import Execution
from flows.models import Flow
from tests.races.racing import Answer
from tests.races.rounds import Round, gone_or_changed, once, pair
from tests.races.stage import Stage, exists


def _began(answer: Answer) -> Execution | None:
    """Return the execution of a run that was answered 201, which must be there."""
    return Execution.objects.get(pk=answer.data["id"]) if answer.ok else None


@pair("flow DELETE, flow run")
def flow_and_run(at: Stage) -> Round:
    made = at.flow()
    run = at.ask("POST", f"flows/{made.pk}/run", {})
    return Round(at.ask("DELETE", f"flows/{made.pk}"), run, lambda _, ran: _began(ran))


@pair("environment DELETE, flow run with it")
def environment_and_run(at: Stage) -> Round:
    environment, flow = at.environment(), at.flow()
    run = at.ask("POST", f"flows/{flow.pk}/run", {"environmentId": str(environment.pk)})

    def check(deleted: Answer, ran: Answer) -> None:
        gone_or_changed(environment, deleted)
        began = _began(ran)
        assert began is None or not deleted.ok or began.environment_id is None

    return Round(at.ask("DELETE", f"environments/{environment.pk}"), run, check)


@pair("environment DELETE, re-run of a run with it")
def environment_and_rerun(at: Stage) -> Round:
    environment, flow = at.environment(), at.flow()
    execution = at.waiting(flow, environment)
    rerun = at.ask("POST", f"executions/{execution.pk}/rerun", {})

    def check(deleted: Answer, ran: Answer) -> None:
        gone_or_changed(environment, deleted)
        _began(ran)

    return Round(at.ask("DELETE", f"environments/{environment.pk}"), rerun, check)


def _with_flow(at: Stage) -> tuple[Any, Flow]:
    team = at.new_team()
    return team, at.flow(team)


@pair("team DELETE, flow run")
def team_and_run(at: Stage) -> Round:
    team, flow = _with_flow(at)

    def check(deleted: Answer, _: Answer) -> None:
        assert deleted.ok
        assert not exists(team)
        assert not Execution.objects.filter(team=team.pk).exists()

    return Round(at.ask("DELETE", f"teams/{team.pk}"), at.ask("POST", f"flows/{flow.pk}/run", {}), check)


@pair("team DELETE, re-run")
def team_and_rerun(at: Stage) -> Round:
    team, flow = _with_flow(at)
    execution = at.waiting(flow)
    rerun = at.ask("POST", f"executions/{execution.pk}/rerun", {})
    return Round(
        at.ask("DELETE", f"teams/{team.pk}"), rerun, lambda deleted, _: gone_or_changed(team, deleted)
    )


@pair("team DELETE, cancel")
def team_and_cancel(at: Stage) -> Round:
    team, flow = _with_flow(at)
    execution = at.waiting(flow)
    cancel = at.ask("POST", f"executions/{execution.pk}/cancel")
    return Round(
        at.ask("DELETE", f"teams/{team.pk}"), cancel, lambda deleted, _: gone_or_changed(team, deleted)
    )


@pair("team DELETE, execution DELETE")
def team_and_execution(at: Stage) -> Round:
    team = at.new_team()
    execution = at.over(team=team)
    delete = at.ask("DELETE", f"executions/{execution.pk}")
    return Round(
        at.ask("DELETE", f"teams/{team.pk}"), delete, lambda deleted, _: gone_or_changed(team, deleted)
    )


@pair("team DELETE, flow PUT")
def team_and_flow(at: Stage) -> Round:
    team, flow = _with_flow(at)
    put = at.ask("PUT", f"flows/{flow.pk}", at.document())
    return Round(at.ask("DELETE", f"teams/{team.pk}"), put, lambda deleted, _: gone_or_changed(team, deleted))


@pair("team DELETE, flow POST")
def team_and_new_flow(at: Stage) -> Round:
    team = at.new_team()
    post = at.ask("POST", "flows", {**at.document(), "teamId": str(team.pk)})
    return Round(
        at.ask("DELETE", f"teams/{team.pk}"), post, lambda deleted, _: gone_or_changed(team, deleted)
    )


@pair("team DELETE, resource POST")
def team_and_resource(at: Stage) -> Round:
    team = at.new_team()
    body = {"name": "Shop", "type": "http", "config": {"baseUrl": "http://127.0.0.1:1"}}
    post = at.ask("POST", "resources", {**body, "teamId": str(team.pk)})
    return Round(
        at.ask("DELETE", f"teams/{team.pk}"), post, lambda deleted, _: gone_or_changed(team, deleted)
    )


@pair("team DELETE, environment PATCH")
def team_and_environment(at: Stage) -> Round:
    team = at.new_team()
    made = at.environment(team)
    patch = at.ask("PATCH", f"environments/{made.pk}", {"description": "changed"})

    def check(deleted: Answer, _: Answer) -> None:
        assert deleted.ok
        assert not exists(made)

    return Round(at.ask("DELETE", f"teams/{team.pk}"), patch, check)


@pair("execution DELETE, execution DELETE")
def execution_twice(at: Stage) -> Round:
    made = at.over()
    at.over(parent=made)
    ask = at.ask("DELETE", f"executions/{made.pk}")
    return Round(ask, ask, lambda a, b: once("execution.delete", made, a, b))


@pair("execution DELETE, re-run")
def execution_and_rerun(at: Stage) -> Round:
    flow = at.flow()
    version = flow.versions.get()
    made = at.over(flow=flow, version=version, flow_version=1)
    rerun = at.ask("POST", f"executions/{made.pk}/rerun", {})

    def check(deleted: Answer, ran: Answer) -> None:
        gone_or_changed(made, deleted)
        _began(ran)

    return Round(at.ask("DELETE", f"executions/{made.pk}"), rerun, check)


@pair("execution DELETE, cancel")
def execution_and_cancel(at: Stage) -> Round:
    made = at.over()
    cancel = at.ask("POST", f"executions/{made.pk}/cancel")
    return Round(
        at.ask("DELETE", f"executions/{made.pk}"), cancel, lambda gone, _: gone_or_changed(made, gone)
    )


@pair("cancel, cancel")
def cancelled_twice(at: Stage) -> Round:
    made = at.waiting(at.flow())
    ask = at.ask("POST", f"executions/{made.pk}/cancel")

    def check(*_: Answer) -> None:
        made.refresh_from_db()
        assert made.status == "CANCELLED"

    return Round(ask, ask, check)


@pair("cancel, execution DELETE")
def cancelled_and_deleted(at: Stage) -> Round:
    made = at.waiting(at.flow())
    cancel, delete = at.ask("POST", f"executions/{made.pk}/cancel"), at.ask("DELETE", f"executions/{made.pk}")
    return Round(cancel, delete, lambda _, deleted: gone_or_changed(made, deleted))


@pair("run, run with the same key")
def same_key(at: Stage) -> Round:
    flow, key = at.flow(), at.name("key")
    ask = at.ask("POST", f"flows/{flow.pk}/run", {}, HTTP_IDEMPOTENCY_KEY=key)

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        assert a.data["id"] == b.data["id"]
        assert Execution.objects.filter(idempotency_key=key).count() == 1

    return Round(ask, ask, check)
