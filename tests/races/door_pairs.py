"""Pairs through the other doors: pages and the admin, beside each other and beside the API."""

from __future__ import annotations

from typing import Any

from django.test import Client

from accounts.models import AuditEvent, User
from resources.usage import places_using
from tests.races.racing import Answer, Request, api, page
from tests.races.rounds import Round, gone_or_changed, pair
from tests.races.stage import Stage, events, exists


def by(user: User, path: str, form: Any, content_type: str = "") -> Request:
    """Return what a page sends that the user has open."""
    client = Client()
    client.force_login(user)
    return page(client, path, form, content_type)


def root(at: Stage) -> User:
    """Return Bob as an administrator of the installation."""
    User.objects.filter(pk=at.bob.pk).update(is_staff=True, is_superuser=True)
    at.bob.refresh_from_db()
    return at.bob


def deleted_once(target: Any) -> None:
    """Check that the row is gone, and that one event says so."""
    assert not exists(target)
    assert AuditEvent.objects.filter(action__endswith=".delete", target_id=str(target.pk)).count() == 1


# --- pages ----------------------------------------------------------------------------------------


@pair("page: environment saved, environment deleted")
def environment_pages(at: Stage) -> Round:
    made = at.environment()
    save = by(at.alice, f"/environments/{made.pk}", {"name": made.name, "description": "changed"})
    delete = by(at.alice, f"/environments/{made.pk}/delete", {})

    def check(saved: Answer, deleted: Answer) -> None:
        assert (deleted.status, exists(made)) == (302, False), (saved, deleted)

    return Round(save, delete, check)


@pair("page: resource deleted, resource deleted")
def resource_pages(at: Stage) -> Round:
    made = at.resource()
    asks = [by(at.alice, f"/resources/{made.pk}/delete", {}) for _ in range(2)]

    def check(a: Answer, b: Answer) -> None:
        assert sorted([a.status, b.status]) == [302, 404]
        deleted_once(made)

    return Round(asks[0], asks[1], check)


@pair("page: resource saved, resource deleted over the API")
def resource_page_and_api(at: Stage) -> Round:
    made = at.resource()
    form = {"name": made.name, "groupName": "changed", "config.baseUrl": "http://127.0.0.1:2"}
    save = by(at.alice, f"/resources/{made.pk}", form)
    return Round(
        save, at.ask("DELETE", f"resources/{made.pk}"), lambda _, deleted: gone_or_changed(made, deleted)
    )


@pair("page: flow saved, flow deleted over the API")
def flow_page(at: Stage) -> Round:
    made, resource = at.flow(), at.resource()
    text = f"name: Saved\nsteps:\n- {{name: ask, stepType: http, meta: {{resourceId: '{resource.pk}', url: /x}}}}\n"
    save = by(at.alice, f"/flows/{made.pk}", text, "text/plain")

    def check(_: Answer, deleted: Answer) -> None:
        assert deleted.ok

    return Round(save, at.ask("DELETE", f"flows/{made.pk}"), check)


@pair("page: flow saved that uses a resource, resource deleted")
def flow_page_and_resource(at: Stage) -> Round:
    made, resource = at.flow(), at.resource()
    text = f"name: Saved\nsteps:\n- {{name: ask, stepType: http, meta: {{resourceId: '{resource.pk}', url: /x}}}}\n"
    save = by(at.alice, f"/flows/{made.pk}", text, "text/plain")
    delete = by(at.alice, f"/resources/{resource.pk}/delete", {})

    def check(*_: Answer) -> None:
        assert exists(resource) or not places_using(resource)

    return Round(save, delete, check)


@pair("page: team deleted, team renamed")
def team_pages(at: Stage) -> Round:
    made = at.new_team()
    delete = by(at.alice, f"/teams/{made.pk}/delete", {"name": made.name})
    rename = by(at.alice, f"/teams/{made.pk}", {"name": at.name("Renamed")})

    def check(*_: Answer) -> None:
        assert events("team.delete", made) == (0 if exists(made) else 1)  # renamed first: not the name typed

    return Round(delete, rename, check)


@pair("page: organisation deleted, team made")
def organisation_pages(at: Stage) -> Round:
    made = at.new_organisation()
    delete = by(at.alice, f"/organisations/{made.pk}/delete", {})
    add = by(at.alice, f"/organisations/{made.pk}/teams", {"name": "A team"})

    def check(_: Answer, added: Answer) -> None:
        assert exists(made) is (added.status == 302)

    return Round(delete, add, check)


@pair("page: sign-out, another team chosen")
def session_pages(at: Stage) -> Round:
    client = Client()
    client.force_login(at.alice)
    other = Client()
    other.cookies = client.cookies
    sign_out = page(client, "/sign-out", {})
    choose = page(other, "/switch-team", {"team": str(at.team.pk)})
    return Round(sign_out, choose, lambda *_: None)


# --- the admin ------------------------------------------------------------------------------------


@pair("admin: resource deleted, resource deleted")
def admin_resource_twice(at: Stage) -> Round:
    made, bob = at.resource(), root(at)
    asks = [by(bob, f"/admin/resources/resource/{made.pk}/delete/", {"post": "yes"}) for _ in range(2)]
    return Round(asks[0], asks[1], lambda *_: deleted_once(made))


@pair("admin: environments deleted from their list, environment DELETE")
def admin_environments(at: Stage) -> Round:
    made, bob = at.environment(), root(at)
    form = {"action": "delete_selected", "_selected_action": str(made.pk), "post": "yes"}
    delete = by(bob, "/admin/resources/environment/", form)
    return Round(delete, at.ask("DELETE", f"environments/{made.pk}"), lambda *_: deleted_once(made))


@pair("admin: resource changed, resource DELETE")
def admin_resource_changed(at: Stage) -> Round:
    made, bob = at.resource(), root(at)
    form = {"name": made.name, "group_name": "changed", "namespace": ""}
    change = by(bob, f"/admin/resources/resource/{made.pk}/change/", form)
    return Round(
        change, at.ask("DELETE", f"resources/{made.pk}"), lambda _, deleted: gone_or_changed(made, deleted)
    )


@pair("admin: resource changed, resource PATCH of its secret")
def admin_resource_and_secret(at: Stage) -> Round:
    made, bob = at.resource(), root(at)
    form = {"name": made.name, "group_name": "changed", "namespace": ""}
    change = by(bob, f"/admin/resources/resource/{made.pk}/change/", form)
    config = {"baseUrl": "http://127.0.0.1:2", "auth": {"type": "bearer", "token": "another-canary"}}
    patch = at.ask("PATCH", f"resources/{made.pk}", {"config": config})

    def check(changed: Answer, patched: Answer) -> None:
        assert (changed.status, patched.status) == (302, 200)
        made.refresh_from_db()
        assert made.group_name == "changed"
        assert made.config["baseUrl"] == "http://127.0.0.1:2"

    return Round(change, patch, check)


@pair("admin: resource deleted, flow POST that uses it")
def admin_resource_and_flow(at: Stage) -> Round:
    made, bob = at.resource(), root(at)
    delete = by(bob, f"/admin/resources/resource/{made.pk}/delete/", {"post": "yes"})
    post = at.ask("POST", "flows", {**at.document(resource=str(made.pk)), "teamId": str(at.team.pk)})

    def check(_: Answer, posted: Answer) -> None:
        assert exists(made) is posted.ok

    return Round(delete, post, check)


@pair("admin: organisation deleted, organisation deleted")
def admin_organisation_twice(at: Stage) -> Round:
    made, bob = at.new_organisation(), root(at)
    asks = [by(bob, f"/admin/accounts/organisation/{made.pk}/delete/", {"post": "yes"}) for _ in range(2)]
    return Round(asks[0], asks[1], lambda *_: deleted_once(made))


@pair("admin: team changed, team DELETE")
def admin_team_changed(at: Stage) -> Round:
    made, bob = at.new_team(), root(at)
    form = {
        "organisation": str(at.organisation.pk), "name": at.name("Renamed"), "keep_results_days": "3",
        "memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0",
    }  # fmt: skip
    change = by(bob, f"/admin/accounts/team/{made.pk}/change/", form)
    return Round(
        change, at.ask("DELETE", f"teams/{made.pk}"), lambda _, deleted: gone_or_changed(made, deleted)
    )


@pair("admin: user deleted, their profile PATCH")
def admin_user_and_profile(at: Stage) -> Round:
    user, bob = at.member(), root(at)
    delete = by(bob, f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    patch = api(user, "PATCH", "profile", {"name": "Renamed"})
    return Round(delete, patch, lambda *_: deleted_once(user))


@pair("admin: user deleted, team member POST of them")
def admin_user_and_member(at: Stage) -> Round:
    user, bob, team = at.member(), root(at), at.new_team()
    delete = by(bob, f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"})
    post = at.ask("POST", f"teams/{team.pk}/members", {"userId": str(user.pk), "role": "VIEWER"})
    return Round(delete, post, lambda *_: deleted_once(user))
