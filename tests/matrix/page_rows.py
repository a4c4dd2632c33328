"""Who may ask what of the pages: one row a route and method. Bodies are forms, but for the editor's."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tests.matrix.ranks import Rank
from tests.matrix.rows import ORGANISATION, SIGN_IN, Made, Row
from tests.matrix.world import Things, document

ANYBODY, USER, VIEWER, EDITOR = Rank.ANYBODY, Rank.USER, Rank.VIEWER, Rank.EDITOR
TEAM_ADMIN, ORG_ADMIN, OWNER = Rank.TEAM_ADMIN, Rank.ORG_ADMIN, Rank.OWNER
TEXT = "name: A flow\nsteps:\n  - name: pause\n    stepType: delay\n    meta: {delayMs: 1}\n"
NEW = {"name": "New thing"}


def get(route: str, least: Rank, *at: str, **more: Any) -> Row:
    """Return the row of a page."""
    return Row(route, "GET", least, at, **more)


def post(route: str, least: Rank, *at: str, ok: int = 302, **more: Any) -> Row:
    """Return the row of what a page sends."""
    return Row(route, "POST", least, at, ok=ok, **more)


def form(**values: str) -> Made:
    """Return a maker of the same form for every tenant."""
    return lambda _: urlencode(values)


def _token(things: Things) -> str:
    return urlencode({**NEW, "scopes": "READ", "days": "30", "team": str(things.team.pk)})


def _invitation(things: Things) -> str:
    wanted = {"organisation": str(things.organisation.pk), "role": "MEMBER", "team_role": "EDITOR"}
    return urlencode({"email": "newcomer@nowhere.example", **wanted})


def _resource(things: Things) -> str:
    return urlencode({**NEW, "team": str(things.team.pk), "config.baseUrl": "http://127.0.0.1:1"})


def _environment(things: Things) -> str:
    return urlencode({**NEW, "team": str(things.team.pk)})


def _flow(things: Things) -> dict[str, Any]:
    return document("New flow", resource=things.resource)


def _of_flow(things: Things) -> str:
    return f"flow={things.flow.pk}&line=3"


SERVICE = [
    get("", ANYBODY, ok=302),
    get("healthz", ANYBODY),
    get("readyz", ANYBODY, query=lambda _: "parts=database,broker"),  # no worker runs here
    get("metrics", ANYBODY),  # the test client asks from this machine
    get("sign-in", ANYBODY, signed_in=302),
    post("sign-in", ANYBODY, ok=200, signed_in=302, body=form(username="a@b.example", password="wrong")),
    post("sign-out", ANYBODY, ok=SIGN_IN),
    get("register", ANYBODY, ok=403),  # switched off
    post("register", ANYBODY, ok=403, body=form(email="a@b.example")),
    get("confirm-address/send", ANYBODY, ok=403),
    post("confirm-address/send", ANYBODY, ok=403, body=form(email="a@b.example")),
    get("forgot-password", ANYBODY),
    post("forgot-password", ANYBODY, ok=200, body=form(email="a@b.example")),
    *(get(purpose, ANYBODY, ok=410) for purpose in ("confirm-address", "reset-password", "invitation")),
    *(post(purpose, ANYBODY, ok=410) for purpose in ("confirm-address", "reset-password", "invitation")),
    *(
        get(f"{purpose}/<str:token>", ANYBODY, "no-link", ok=302)
        for purpose in ("confirm-address", "reset-password", "invitation")
    ),
]
ACCOUNTS = [
    get("profile", USER),
    post("profile", USER, body=form(name="New name")),
    post("profile/password", USER, ok=200, body=form(current="wrong", new="quite another one")),
    post("profile/sign-out-everywhere", USER, ok=SIGN_IN),
    get("profile/tokens", USER),
    post("profile/tokens", USER, ok=200, body=_token),
    post("profile/tokens/<uuid:pk>/revoke", OWNER, "token", of=ORGANISATION, short=404),
    post("switch-team", VIEWER, body=lambda things: f"team={things.team.pk}"),
    get("audit-log", USER),
    get("people", USER),
    post("people", ORG_ADMIN, of=ORGANISATION, short=200, stranger=200, body=_invitation),
    get("people/<uuid:pk>", VIEWER, "member", of=ORGANISATION, installation=200),
    post(
        "people/<uuid:pk>", ORG_ADMIN, "member", of=ORGANISATION, installation=302, body=form(name="New name")
    ),
    post("people/<uuid:pk>/switch", ORG_ADMIN, "member", of=ORGANISATION, installation=302),
    post("people/<uuid:pk>/reset-password", ORG_ADMIN, "member", of=ORGANISATION, installation=302),
    post("invitations/<uuid:pk>/send", ORG_ADMIN, "invitation", of=ORGANISATION, short=404),
    post("invitations/<uuid:pk>/revoke", ORG_ADMIN, "invitation", of=ORGANISATION, short=404),
]
ORGANISATIONS = [
    get("organisations", USER),
    post("organisations", USER, body=form(**NEW)),
    get("organisations/<uuid:pk>", VIEWER, "organisation", of=ORGANISATION),
    post("organisations/<uuid:pk>", ORG_ADMIN, "organisation", of=ORGANISATION, body=form(**NEW)),
    post("organisations/<uuid:pk>/delete", OWNER, "organisation", of=ORGANISATION),
    post("organisations/<uuid:pk>/teams", ORG_ADMIN, "organisation", of=ORGANISATION, body=form(**NEW)),
    post("organisations/<uuid:pk>/members", ORG_ADMIN, "organisation", of=ORGANISATION, ok=200,
         body=form(email="stray@nowhere.example", role="MEMBER")),  # a stranger: the page says to invite them
    post("organisations/<uuid:pk>/members/<uuid:user_id>", ORG_ADMIN, "organisation", "member", of=ORGANISATION,
         body=form(role="ADMIN")),
    get("organisations/<uuid:organisation_id>/limits", VIEWER, "organisation", of=ORGANISATION),
    get("teams/<uuid:pk>", VIEWER, "team"),
    post("teams/<uuid:pk>", TEAM_ADMIN, "team", body=form(**NEW)),
    post("teams/<uuid:pk>/retention", TEAM_ADMIN, "team", body=form(results="30", executions="")),
    post("teams/<uuid:pk>/delete", TEAM_ADMIN, "team", body=lambda things: urlencode({"name": things.team.name})),
    post("teams/<uuid:pk>/members", TEAM_ADMIN, "team",
         body=lambda things: urlencode({"email": things.colleague.email, "role": "VIEWER"})),
    post("teams/<uuid:pk>/members/<uuid:user_id>", TEAM_ADMIN, "team", "member", body=form(role="EDITOR")),
]  # fmt: skip
RESOURCES = [
    get("resources", USER),
    get("resources/new", USER),
    post("resources/new", EDITOR, short=404, query=lambda _: "type=http", body=_resource),
    get("resources/<uuid:resource_id>", VIEWER, "resource"),
    post("resources/<uuid:resource_id>", EDITOR, "spare", short=404, body=_resource),
    post("resources/<uuid:resource_id>/check", EDITOR, "resource", short=404, ok=200),
    post("resources/<uuid:resource_id>/delete", EDITOR, "spare", short=404),
    get("environments", USER),
    get("environments/new", USER),
    post("environments/new", EDITOR, short=404, body=_environment),
    get("environments/<uuid:environment_id>", VIEWER, "environment"),
    post("environments/<uuid:environment_id>", EDITOR, "environment", short=404, body=_environment),
    post("environments/<uuid:environment_id>/delete", EDITOR, "environment", short=404),
]
FLOWS = [
    get("flows", USER),
    get("flows/new", USER),
    post("flows/new", EDITOR, ok=201, short=404, query=lambda things: f"team={things.team.pk}", body=_flow),
    post("flows/check", VIEWER, ok=200, query=_of_flow, body=_flow),
    post("flows/step-form", VIEWER, ok=200, query=_of_flow, body=_flow),
    post("flows/step-edit", VIEWER, ok=200, query=_of_flow,
         body=lambda _: {"text": TEXT, "place": "steps.0.name", "typed": "wait"}),
    post("flows/step-insert", VIEWER, ok=200, query=_of_flow, body=lambda _: {"text": TEXT, "type": "http"}),
    post("flows/step-alone", VIEWER, ok=200, query=_of_flow, body=lambda _: TEXT),
    get("flows/<uuid:flow_id>", VIEWER, "flow"),
    post("flows/<uuid:flow_id>", EDITOR, "flow", ok=200, short=404, query=lambda _: "baseVersion=2", body=_flow),
    get("flows/<uuid:flow_id>/run-form", VIEWER, "flow"),
    get("flows/<uuid:flow_id>/difference", VIEWER, "flow", query=lambda _: "from=1&to=2"),
    get("executions", USER),
    get("executions/outcomes", USER, query=lambda things: f"flow={things.flow.pk}"),
    get("executions/<uuid:execution_id>", VIEWER, "execution"),
    get("executions/<uuid:execution_id>/activity", VIEWER, "execution"),
    get("executions/<uuid:execution_id>/steps/<uuid:step_id>/curl", VIEWER, "execution", "step"),
]  # fmt: skip
ROWS: list[Row] = [*SERVICE, *ACCOUNTS, *ORGANISATIONS, *RESOURCES, *FLOWS]
