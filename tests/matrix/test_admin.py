"""The admin, model by model: administrators of the installation alone change things, other staff see their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.urls import reverse

from accounts.models import User
from executions.models import StepAttempt
from flows.models import FlowVersion
from resources.limits.models import OrganisationLimits
from tests.matrix.actors import Actor, Asker, World
from tests.matrix.ranks import Rank
from tests.matrix.rows import Row
from tests.matrix.walk import leaks
from tests.matrix.world import Things

#: What the installation's administrator may do: (add, delete) in the forms. None of the models shows a secret.
MODELS: dict[str, tuple[bool, bool]] = {
    "auth.group": (True, True),
    "axes.accessattempt": (False, True),
    "axes.accesslog": (False, True),
    "axes.accessfailurelog": (False, True),
    "accounts.apitoken": (False, False),  # an action revokes them
    "accounts.auditevent": (False, False),
    "accounts.invitation": (True, True),
    "accounts.user": (True, True),
    "accounts.organisation": (True, True),
    "accounts.team": (True, True),
    "resources.organisationlimits": (True, True),
    "resources.resource": (False, True),
    "resources.environment": (False, True),
    "flows.flow": (False, False),
    "flows.flowversion": (False, False),
    "executions.execution": (False, False),
    "executions.executionstep": (False, False),
    "executions.stepattempt": (False, False),
}
#: The pages of one row; a new one is walked as soon as Django knows its name.
OF_ROW = ("change", "history", "delete")


def test_each_model_has_a_row() -> None:
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert registered == set(MODELS), "write a row (add, delete) in MODELS"


def test_only_staff_comes_in(world: World) -> None:
    things = world.tenants["acme"]
    for name in ("anonymous", "owner"):
        asker = Asker(world.actors[name], by_session=True)
        for path in paths(things):
            response = asker.ask("GET", path)
            assert (response.status_code, response.get("Location", "").partition("?")[0]) == (
                302,
                "/admin/login/",
            ), path


def test_the_administrator_may_what_the_row_says(world: World) -> None:
    asker, rows = Asker(world.actors["installation"], by_session=True), rows_of(world.tenants["acme"])
    wrong = {}
    for label, (adds, deletes) in MODELS.items():
        wanted = {"changelist": 200, "add": 200 if adds else 403}
        of_row = {"change": 200, "history": 200, "delete": 200 if deletes else 403} if label in rows else {}
        paths_of = {address(label, page): status for page, status in wanted.items()}
        paths_of |= {address(label, page, rows[label].pk): status for page, status in of_row.items()}
        for path, status in paths_of.items():
            if (answer := asker.ask("GET", path).status_code) != status:
                wrong[path] = answer
    assert not wrong


def test_other_staff_sees_nothing_of_other_tenants(world: World) -> None:
    """Staff of Globex with every permission that Django knows: Acme's rows do not exist for them."""
    actor = staff_of(world.tenants["globex"])
    things, asker = world.tenants["acme"], Asker(actor, by_session=True)
    wrong = []
    asked = [(path, "") for path in paths(things)]
    asked += [(address(label, "changelist"), "q=acme") for label in MODELS]
    for path, query in asked:
        response = asker.ask("GET", path, QUERY_STRING=query)
        told = leaks(response, Row(path.lstrip("/"), "GET", Rank.USER), actor, "acme", things)
        if response.status_code not in (200, 302, 403, 404) or told:
            wrong.append(f"{path}?{query}: {response.status_code} {told}")
    assert not wrong, "\n".join(wrong)


def test_other_staff_changes_nothing_of_other_tenants(world: World) -> None:
    things, asker = world.tenants["acme"], Asker(staff_of(world.tenants["globex"]), by_session=True)
    for label, row in rows_of(things).items():
        for page in OF_ROW:
            response = asker.ask("POST", address(label, page, row.pk))
            assert response.status_code in (302, 403, 404), (label, page)
        assert type(row)._default_manager.filter(pk=row.pk).exists()


def staff_of(things: Things) -> Actor:
    """Return the tenant's owner as staff with all of Django's permissions."""
    owner = things.owner
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    owner.user_permissions.set(Permission.objects.all())
    return Actor("staff", User.objects.get(pk=owner.pk), ranks={"globex": (Rank.TEAM_ADMIN, Rank.OWNER)})


def rows_of(things: Things) -> dict[str, Model]:
    """Return a row of each model that the tenant has something of."""
    made: list[Any] = [
        *(things.token, things.event, things.invitation, things.member, things.organisation, things.team),
        *(things.spare, things.environment, things.flow, things.execution, things.step),
        FlowVersion.objects.filter(flow=things.flow).first(),
        StepAttempt.objects.filter(step=things.step).first(),
        OrganisationLimits.objects.get_or_create(organisation=things.organisation)[0],
    ]
    return {row._meta.label_lower: row for row in made}


def address(label: str, page: str, *args: Any) -> str:
    """Return the address of a page of a model's admin."""
    return reverse(f"admin:{label.replace('.', '_')}_{page}", args=args)


def paths(things: Things) -> list[str]:
    """Return every page of the admin, about the tenant's things."""
    found = [reverse(f"admin:{name}") for name in ("index", "password_change", "autocomplete", "jsi18n")]
    found += [f"/admin/{app}/" for app in {label.partition(".")[0] for label in MODELS}]
    found += [address(label, page) for label in MODELS for page in ("changelist", "add")]
    found += [address(label, page, row.pk) for label, row in rows_of(things).items() for page in OF_ROW]
    return [*found, reverse("admin:auth_user_password_change", args=[things.member.pk])]
