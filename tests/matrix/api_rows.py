"""Who may ask what of the REST API: one row a route and method."""

from __future__ import annotations

from typing import Any

from tests.cast import PASSWORD
from tests.matrix.ranks import Rank
from tests.matrix.rows import NONE, ORGANISATION, READ, RUN, Row
from tests.matrix.world import Things, document

ANYBODY, USER, VIEWER, EDITOR = Rank.ANYBODY, Rank.USER, Rank.VIEWER, Rank.EDITOR
TEAM_ADMIN, ORG_ADMIN, OWNER, INSTALLATION = Rank.TEAM_ADMIN, Rank.ORG_ADMIN, Rank.OWNER, Rank.INSTALLATION
NEW = {"name": "New thing"}
BAD_LINK = {"token": "no such link"}
API = "api/v1/"


def api(method: str, route: str, least: Rank, *at: str, **more: Any) -> Row:
    """Return the row of a route below `/api/v1/`."""
    return Row(API + route, method, least, at, **more)


def _flow(things: Things) -> dict[str, Any]:
    return {**document("New flow", resource=things.resource), "teamId": str(things.team.pk)}


def _resource(things: Things) -> dict[str, Any]:
    return {**NEW, "type": "http", "config": {"baseUrl": "http://127.0.0.1:1"}, "teamId": str(things.team.pk)}


def _environment(things: Things) -> dict[str, Any]:
    return {**NEW, "resources": {"any": str(things.resource.pk)}, "teamId": str(things.team.pk)}


def _draft(things: Things) -> dict[str, Any]:
    return {"flow": document("Draft", resource=things.resource), "teamId": str(things.team.pk)}


def _saved(things: Things) -> dict[str, Any]:
    return {**document("Renamed", resource=things.resource, delay=3), "baseVersion": 2}


def _token(things: Things) -> dict[str, Any]:
    return {**NEW, "scopes": ["READ"], "teamId": str(things.team.pk)}


def _invitation(things: Things) -> dict[str, Any]:
    return {"email": "newcomer@nowhere.example", "organisationId": str(things.organisation.pk)}


def _person() -> dict[str, Any]:
    return {"email": "newcomer@nowhere.example", "password": PASSWORD, "name": "New"}


SIGNING_IN = [
    api("POST", "auth/login", ANYBODY, ok=401, body=lambda _: {"email": "a@b.example", "password": "x"}),
    api("POST", "auth/refresh", ANYBODY, ok=401, body=lambda _: {"refresh": "none"}),
    api("POST", "auth/logout", ANYBODY, ok=204, body=lambda _: {"refresh": "none"}),
    api("POST", "auth/register", ANYBODY, ok=403, body=lambda _: _person()),  # switched off
    api("POST", "auth/verify-email", ANYBODY, ok=400, body=lambda _: BAD_LINK),
    api("POST", "auth/verify-email/send", ANYBODY, ok=403, body=lambda _: {"email": "a@b.example"}),
    api("POST", "auth/accept-invitation", ANYBODY, ok=400, body=lambda _: {**BAD_LINK, "password": PASSWORD}),
    api("POST", "auth/forgot-password", ANYBODY, ok=202, body=lambda _: {"email": "a@b.example"}),
    api("POST", "auth/reset-password", ANYBODY, ok=400, body=lambda _: {**BAD_LINK, "password": PASSWORD}),
    api("GET", "openapi.json", ANYBODY, checks_login=True),
    api("GET", "docs", ANYBODY, checks_login=True),
]
ONESELF = [
    api("GET", "profile", USER),
    api("PATCH", "profile", USER, scope=NONE, body=lambda _: NEW),
    api("POST", "profile/password", USER, ok=400, scope=NONE,
        body=lambda _: {"currentPassword": "wrong", "newPassword": "quite another one"}),
    api("POST", "profile/sign-out-everywhere", USER, ok=204, scope=NONE),
    api("GET", "tokens", USER, scope=NONE),
    api("POST", "tokens", VIEWER, ok=201, scope=NONE, stranger=400, body=_token),
    # A token is its owner's alone; the tenant's owner has one.
    api("GET", "tokens/<uuid:pk>", OWNER, "token", of=ORGANISATION, scope=NONE, short=404),
    api("PUT", "tokens/<uuid:pk>", OWNER, "token", of=ORGANISATION, scope=NONE, short=404, body=lambda _: NEW),
    api("PATCH", "tokens/<uuid:pk>", OWNER, "token", of=ORGANISATION, scope=NONE, short=404, body=lambda _: NEW),
    api("DELETE", "tokens/<uuid:pk>", OWNER, "token", of=ORGANISATION, scope=NONE, short=404, ok=204),
]  # fmt: skip
PEOPLE = [
    api("GET", "users", USER),
    api("POST", "users", INSTALLATION, of=ORGANISATION, scope=NONE, stranger=403, installation=201,
        body=lambda _: _person()),
    # Of the other team, whose bound token sees nobody else.
    api("GET", "users/<uuid:pk>", VIEWER, "colleague", of=ORGANISATION, installation=200),
    api("PATCH", "users/<uuid:pk>", ORG_ADMIN, "member", of=ORGANISATION, scope=NONE, installation=200,
        body=lambda _: NEW),
    api("POST", "users/<uuid:pk>/reset-password", ORG_ADMIN, "member", of=ORGANISATION, scope=NONE, ok=202,
        installation=202),
    api("GET", "invitations", USER),
    api("POST", "invitations", ORG_ADMIN, of=ORGANISATION, scope=NONE, ok=201, stranger=400, body=_invitation),
    api("GET", "invitations/<uuid:pk>", ORG_ADMIN, "invitation", of=ORGANISATION, short=404),
    api("DELETE", "invitations/<uuid:pk>", ORG_ADMIN, "invitation", of=ORGANISATION, scope=NONE, short=404, ok=204),
    api("POST", "invitations/<uuid:pk>/send", ORG_ADMIN, "invitation", of=ORGANISATION, scope=NONE, short=404,
        ok=202),
]  # fmt: skip
ORGANISATIONS = [
    api("GET", "organisations", USER),
    api("POST", "organisations", USER, ok=201, scope=NONE, body=lambda _: NEW),
    api("GET", "organisations/<uuid:pk>", VIEWER, "organisation", of=ORGANISATION),
    api("PUT", "organisations/<uuid:pk>", ORG_ADMIN, "organisation", of=ORGANISATION, scope=NONE, body=lambda _: NEW),
    api("PATCH", "organisations/<uuid:pk>", ORG_ADMIN, "organisation", of=ORGANISATION, scope=NONE,
        body=lambda _: NEW),
    api("DELETE", "organisations/<uuid:pk>", OWNER, "organisation", of=ORGANISATION, scope=NONE, ok=409),  # has teams
    api("GET", "organisations/<uuid:pk>/teams", VIEWER, "organisation", of=ORGANISATION),
    api("POST", "organisations/<uuid:pk>/teams", ORG_ADMIN, "organisation", of=ORGANISATION, scope=NONE, ok=201,
        body=lambda _: NEW),
    api("GET", "organisations/<uuid:pk>/members", VIEWER, "organisation", of=ORGANISATION),
    api("POST", "organisations/<uuid:pk>/members", OWNER, "organisation", of=ORGANISATION, scope=NONE, ok=409,
        body=lambda things: {"userId": str(things.member.pk), "role": "owner"}),  # already a member
    api("GET", "organisations/<uuid:pk>/members/<uuid:user_id>", VIEWER, "organisation", "colleague", of=ORGANISATION),
    api("PUT", "organisations/<uuid:pk>/members/<uuid:user_id>", OWNER, "organisation", "member", of=ORGANISATION,
        scope=NONE, body=lambda _: {"role": "OWNER"}),
    api("PATCH", "organisations/<uuid:pk>/members/<uuid:user_id>", ORG_ADMIN, "organisation", "member",
        of=ORGANISATION, scope=NONE, body=lambda _: {"role": "ADMIN"}),
    api("DELETE", "organisations/<uuid:pk>/members/<uuid:user_id>", ORG_ADMIN, "organisation", "member",
        of=ORGANISATION, scope=NONE, ok=204),
    api("GET", "organisations/<uuid:pk>/limits", VIEWER, "organisation", of=ORGANISATION, installation=200),
    api("PATCH", "organisations/<uuid:pk>/limits", INSTALLATION, "organisation", of=ORGANISATION, scope=NONE,
        installation=200, body=lambda _: {"runsPerMinute": 7}),
]  # fmt: skip
TEAMS = [
    api("GET", "teams", USER),
    api("POST", "teams", ORG_ADMIN, of=ORGANISATION, scope=NONE, ok=201, stranger=400,
        body=lambda things: {**NEW, "organisationId": str(things.organisation.pk)}),
    api("GET", "teams/<uuid:pk>", VIEWER, "team"),
    api("PUT", "teams/<uuid:pk>", TEAM_ADMIN, "team", scope=NONE, body=lambda _: NEW),
    api("PATCH", "teams/<uuid:pk>", TEAM_ADMIN, "team", scope=NONE, body=lambda _: NEW),
    api("DELETE", "teams/<uuid:pk>", TEAM_ADMIN, "team", scope=NONE, ok=204),
    api("GET", "teams/<uuid:pk>/members", VIEWER, "team"),
    api("POST", "teams/<uuid:pk>/members", TEAM_ADMIN, "team", scope=NONE, ok=201,
        body=lambda things: {"userId": str(things.colleague.pk), "role": "viewer"}),
    api("GET", "teams/<uuid:pk>/members/<uuid:user_id>", VIEWER, "team", "member"),
    api("PUT", "teams/<uuid:pk>/members/<uuid:user_id>", TEAM_ADMIN, "team", "member", scope=NONE,
        body=lambda _: {"role": "EDITOR"}),
    api("PATCH", "teams/<uuid:pk>/members/<uuid:user_id>", TEAM_ADMIN, "team", "member", scope=NONE,
        body=lambda _: {"role": "EDITOR"}),
    api("DELETE", "teams/<uuid:pk>/members/<uuid:user_id>", TEAM_ADMIN, "team", "member", scope=NONE, ok=204),
]  # fmt: skip
AUDIT = [
    api("GET", "audit-log", USER),
    api("GET", "audit-log/export", USER),
    api("GET", "audit-log/<uuid:pk>", TEAM_ADMIN, "event", short=404),
]
RESOURCES = [
    api("GET", "resource-types", USER),
    api("GET", "resources", USER),
    api("POST", "resources", EDITOR, ok=201, stranger=400, body=_resource),
    api("GET", "resources/<uuid:pk>", VIEWER, "resource"),
    api("PUT", "resources/<uuid:pk>", EDITOR, "spare", body=_resource),
    api("PATCH", "resources/<uuid:pk>", EDITOR, "spare", body=lambda _: NEW),
    api("DELETE", "resources/<uuid:pk>", EDITOR, "spare", ok=204),
    api("POST", "resources/<uuid:pk>/check", EDITOR, "resource", scope=RUN),
    api("GET", "environments", USER),
    api("POST", "environments", EDITOR, ok=201, stranger=400, body=_environment),
    api("GET", "environments/<uuid:pk>", VIEWER, "environment"),
    api("PUT", "environments/<uuid:pk>", EDITOR, "environment", body=_environment),
    api("PATCH", "environments/<uuid:pk>", EDITOR, "environment", body=lambda _: NEW),
    api("DELETE", "environments/<uuid:pk>", EDITOR, "environment", ok=204),
]
FLOWS = [
    api("GET", "step-types", USER),
    api("GET", "flows", USER),
    api("POST", "flows", EDITOR, ok=201, stranger=400, body=_flow),
    api("GET", "flows/<uuid:pk>", VIEWER, "flow"),
    api("PUT", "flows/<uuid:pk>", EDITOR, "flow", body=_saved),
    api("PATCH", "flows/<uuid:pk>", EDITOR, "flow", body=lambda _: NEW),
    api("DELETE", "flows/<uuid:pk>", EDITOR, "flow", ok=204),
    api("POST", "flows/validate", VIEWER, scope=READ, stranger=400, body=_flow),
    api("POST", "flows/import", EDITOR, ok=201, stranger=400, query=lambda things: f"teamId={things.team.pk}",
        body=lambda things: [document("Imported", resource=things.resource)]),
    api("GET", "flows/export", VIEWER, query=lambda things: f"ids={things.flow.pk}"),
    api("GET", "flows/<uuid:pk>/diff", VIEWER, "flow", query=lambda _: "from=1&to=2"),
    api("GET", "flows/<uuid:pk>/versions", VIEWER, "flow"),
    api("GET", "flows/<uuid:pk>/versions/<int:number>", VIEWER, "flow", "1"),
    api("POST", "flows/<uuid:pk>/versions/<int:number>/restore", EDITOR, "flow", "1"),
    api("POST", "flows/run", EDITOR, scope=RUN, ok=201, stranger=400, body=_draft),
    api("POST", "flows/<uuid:pk>/run", EDITOR, "flow", scope=RUN, ok=201, body=lambda things: {
        "flowId": str(things.flow.pk), "environmentId": str(things.environment.pk)}),
]  # fmt: skip
EXECUTIONS = [
    api("GET", "executions", USER),
    api("GET", "executions/<uuid:pk>", VIEWER, "execution"),
    api("DELETE", "executions/<uuid:pk>", EDITOR, "execution", ok=204),
    api("GET", "executions/<uuid:pk>/steps/<str:step>", VIEWER, "execution", "step"),
    api("POST", "executions/<uuid:pk>/cancel", EDITOR, "waiting", scope=RUN),
    api(
        "POST",
        "executions/<uuid:pk>/rerun",
        EDITOR,
        "waiting",
        scope=RUN,
        ok=201,
        body=lambda _: {"from": "START"},
    ),
    api("GET", "executions/<uuid:pk>/compare/<uuid:other>", VIEWER, "execution", "other_execution"),
    api("GET", "executions/<uuid:pk>/junit.xml", VIEWER, "execution"),
]
ROWS: list[Row] = [
    *(*SIGNING_IN, *ONESELF, *PEOPLE, *ORGANISATIONS, *TEAMS),
    *(*AUDIT, *RESOURCES, *FLOWS, *EXECUTIONS),
]
