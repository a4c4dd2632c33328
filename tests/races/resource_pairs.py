"""Pairs about resources and environments, and what uses them."""

from __future__ import annotations

from resources.models import Environment, Resource
from resources.usage import places_using
from tests.races.racing import Answer
from tests.races.rounds import Round, gone_or_changed, once, pair
from tests.races.stage import Stage


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
