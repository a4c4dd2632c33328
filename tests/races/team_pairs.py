"""Pairs about what a team has: resources, environments, flows and runs."""

from __future__ import annotations

from typing import Any

from executions.models import Execution
from flows.models import Flow, FlowVersion
from resources.models import Environment, Resource
from resources.usage import places_using
from tests.races.account_pairs import gone_or_changed, once
from tests.races.racing import Answer
from tests.races.rounds import Round, pair
from tests.races.stage import Stage, exists

# --- resources and environments -------------------------------------------------------------------


@pair("environment DELETE, environment PATCH")
def environment_and_change(at: Stage) -> Round:
    made = at.environment()
    path = f"environments/{made.pk}"
    patch = at.ask("PATCH", path, {"description": "changed"})
    return Round(at.ask("DELETE", path), patch, lambda deleted, _: gone_or_changed(made, deleted))


@pair("environment DELETE, environment DELETE")
def environment_twice(at: Stage) -> Round:
    made = at.environment()
    ask = at.ask("DELETE", f"environments/{made.pk}")
    return Round(ask, ask, lambda a, b: once("environment.delete", made, a, b))


@pair("environment PATCH, environment PATCH")
def environment_changed_twice(at: Stage) -> Round:
    made, name = at.environment(), at.name("Renamed")
    first = at.ask("PATCH", f"environments/{made.pk}", {"name": name})
    second = at.ask("PATCH", f"environments/{made.pk}", {"description": "changed"})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        made.refresh_from_db()
        assert (made.name, made.description) == (name, "changed")

    return Round(first, second, check)


@pair("environment POST, environment POST")
def environments_of_a_name(at: Stage) -> Round:
    name = at.name("Same")
    ask = at.ask("POST", "environments", {"name": name, "teamId": str(at.team.pk)})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok
        assert Environment.objects.filter(name=name).count() == 1

    return Round(ask, ask, check)


@pair("resource DELETE, resource PATCH")
def resource_and_change(at: Stage) -> Round:
    made = at.resource()
    path = f"resources/{made.pk}"
    patch = at.ask("PATCH", path, {"groupName": "changed"})
    return Round(at.ask("DELETE", path), patch, lambda deleted, _: gone_or_changed(made, deleted))


@pair("resource DELETE, resource PUT")
def resource_and_whole_change(at: Stage) -> Round:
    made = at.resource()
    path = f"resources/{made.pk}"
    body = {"name": at.name("Shop"), "type": "http", "config": {"baseUrl": "http://127.0.0.1:2"}}
    return Round(
        at.ask("DELETE", path), at.ask("PUT", path, body), lambda gone, _: gone_or_changed(made, gone)
    )


@pair("resource DELETE, resource DELETE")
def resource_twice(at: Stage) -> Round:
    made = at.resource()
    ask = at.ask("DELETE", f"resources/{made.pk}")
    return Round(ask, ask, lambda a, b: once("resource.delete", made, a, b))


@pair("resource DELETE, resource check")
def resource_and_check(at: Stage) -> Round:
    made = at.resource()
    delete, check = (
        at.ask("DELETE", f"resources/{made.pk}"),
        at.ask("POST", f"resources/{made.pk}/check"),
    )
    return Round(delete, check, lambda deleted, _: gone_or_changed(made, deleted))


def _used(made: Resource, deleted: Answer) -> None:
    """Check that what was deleted is used by nothing."""
    gone_or_changed(made, deleted)
    assert not (deleted.ok and places_using(made))


@pair("resource DELETE, flow POST that uses it")
def resource_and_new_flow(at: Stage) -> Round:
    made = at.resource()
    post = at.ask("POST", "flows", {**at.document(resource=str(made.pk)), "teamId": str(at.team.pk)})

    def check(deleted: Answer, posted: Answer) -> None:
        assert deleted.ok is not posted.ok, (deleted, posted)
        _used(made, deleted)

    return Round(at.ask("DELETE", f"resources/{made.pk}"), post, check)


@pair("resource DELETE, flow PUT that uses it by name")
def resource_and_saved_flow(at: Stage) -> Round:
    made, flow = at.resource(), at.flow()
    put = at.ask("PUT", f"flows/{flow.pk}", at.document(resource=made.name))
    return Round(at.ask("DELETE", f"resources/{made.pk}"), put, lambda deleted, _: _used(made, deleted))


@pair("resource DELETE, flow import that uses it")
def resource_and_import(at: Stage) -> Round:
    made = at.resource()
    post = at.ask("POST", f"flows/import?teamId={at.team.pk}", [at.document(resource=str(made.pk))])
    return Round(at.ask("DELETE", f"resources/{made.pk}"), post, lambda deleted, _: _used(made, deleted))


@pair("resource DELETE, version restored that uses it")
def resource_and_restore(at: Stage) -> Round:
    made = at.resource()
    flow = at.flow(resource=str(made.pk))
    assert at.ask("PUT", f"flows/{flow.pk}", at.document())().ok
    restore = at.ask("POST", f"flows/{flow.pk}/versions/1/restore")
    return Round(at.ask("DELETE", f"resources/{made.pk}"), restore, lambda deleted, _: _used(made, deleted))


@pair("resource DELETE, environment PATCH that chooses it")
def resource_and_choice(at: Stage) -> Round:
    made, environment = at.resource(), at.environment()
    patch = at.ask("PATCH", f"environments/{environment.pk}", {"resources": {"any": str(made.pk)}})
    return Round(at.ask("DELETE", f"resources/{made.pk}"), patch, lambda deleted, _: _used(made, deleted))


@pair("resource renamed, flow POST that uses its name")
def resource_renamed_and_used(at: Stage) -> Round:
    made = at.resource()
    patch = at.ask("PATCH", f"resources/{made.pk}", {"name": at.name("Renamed")})
    post = at.ask("POST", "flows", {**at.document(resource=made.name), "teamId": str(at.team.pk)})

    def check(renamed: Answer, posted: Answer) -> None:
        assert renamed.ok is not posted.ok, (renamed, posted)

    return Round(patch, post, check)


# --- flows ----------------------------------------------------------------------------------------


def _versions(flow: Flow) -> None:
    """Check that the flow's number is that of its newest version, and that none is missing."""
    flow.refresh_from_db()
    numbers = sorted(FlowVersion.objects.filter(flow=flow).values_list("number", flat=True))
    assert numbers == list(range(1, flow.version + 1))


@pair("flow DELETE, flow PUT")
def flow_and_save(at: Stage) -> Round:
    made = at.flow()
    path = f"flows/{made.pk}"

    def check(deleted: Answer, _: Answer) -> None:
        assert deleted.ok
        _versions(made)
        assert made.deleted_at is not None

    return Round(at.ask("DELETE", path), at.ask("PUT", path, at.document()), check)


@pair("flow DELETE, flow PATCH")
def flow_and_patch(at: Stage) -> Round:
    made = at.flow()
    path = f"flows/{made.pk}"
    patch = at.ask("PATCH", path, {"description": "changed"})
    return Round(at.ask("DELETE", path), patch, lambda *_: _versions(made))


@pair("flow DELETE, flow DELETE")
def flow_twice(at: Stage) -> Round:
    made = at.flow()
    ask = at.ask("DELETE", f"flows/{made.pk}")
    return Round(ask, ask, lambda a, b: once("flow.delete", made, a, b))


@pair("flow DELETE, version restored")
def flow_and_restore(at: Stage) -> Round:
    made = at.flow()
    assert at.ask("PUT", f"flows/{made.pk}", at.document())().ok
    restore = at.ask("POST", f"flows/{made.pk}/versions/1/restore")
    return Round(at.ask("DELETE", f"flows/{made.pk}"), restore, lambda *_: _versions(made))


@pair("flow PUT, flow PUT of the same base")
def flow_saved_twice(at: Stage) -> Round:
    made = at.flow()
    first, second = (
        at.ask("PUT", f"flows/{made.pk}", {**at.document(delay=delay), "baseVersion": 1}) for delay in (2, 3)
    )

    def check(a: Answer, b: Answer) -> None:
        assert sorted([a.status, b.status]) == [200, 409]
        _versions(made)
        assert made.version == 2

    return Round(first, second, check)


@pair("flow PUT, version restored")
def flow_saved_and_restored(at: Stage) -> Round:
    made = at.flow()
    assert at.ask("PUT", f"flows/{made.pk}", at.document(delay=2))().ok
    put = at.ask("PUT", f"flows/{made.pk}", at.document(delay=3))
    restore = at.ask("POST", f"flows/{made.pk}/versions/1/restore")

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        _versions(made)
        assert made.version == 4

    return Round(put, restore, check)


# --- runs -----------------------------------------------------------------------------------------


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
