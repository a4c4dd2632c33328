"""Two tenants, each with one of everything, all of whose names carry marks that strangers must never see."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from django.db.models import Model
from django.utils import timezone

from accounts.audit import log as audit
from accounts.models import (
    ApiToken,
    AuditEvent,
    Invitation,
    Organisation,
    OrganisationMembership,
    Team,
    TeamMembership,
    User,
)
from accounts.models.invitations import expiry
from accounts.roles import OrganisationRole, TeamRole
from accounts.services import tokens
from executions.models import Execution, ExecutionStep
from executions.starting.start import start_execution
from executions.states import ExecutionStatus, Source
from flows.models import Flow
from flows.selectors import check_for_team, newest_version
from flows.services import create_flow, save_version
from resources.models import Environment, Resource
from resources.services import save_environment, save_resource
from tests.cast import PASSWORD
from tests.executions.rows import make_attempt, make_execution, make_step

SECRET = "canary-of-the-matrix"


@dataclass(frozen=True)
class Things:
    """What one tenant has; names of the team's things hold `team_mark`, all others `mark`."""

    mark: str
    team_mark: str
    organisation: Organisation
    team: Team
    other_team: Team
    owner: User
    org_admin: User
    team_admin: User
    editor: User
    viewer: User
    colleague: User
    member: User
    token: ApiToken
    invitation: Invitation
    event: AuditEvent
    resource: Resource
    spare: Resource
    environment: Environment
    flow: Flow
    execution: Execution
    other_execution: Execution
    waiting: Execution
    step: ExecutionStep

    def ids(self) -> set[str]:
        """Return the id of every thing."""
        values = (getattr(self, each.name) for each in fields(self))
        return {str(value.pk) for value in values if isinstance(value, Model)}

    def key(self, name: str) -> Any:
        """Return what stands in an address for the thing of that name; other text stands for itself."""
        found = getattr(self, name, name)
        return found.pk if isinstance(found, Model) else found


def document(name: str, *, resource: Resource | str, delay: int = 1) -> dict[str, Any]:
    """Return a flow that names a resource."""
    resource_id = resource if isinstance(resource, str) else str(resource.pk)
    return {
        "name": name,
        "steps": [
            {"name": "pause", "stepType": "delay", "meta": {"delayMs": delay}},
            {"name": "ask", "stepType": "http", "meta": {"resourceId": resource_id, "url": "/x"}},
        ],
    }


def make_things(name: str) -> Things:
    """Make a tenant; its people are `owner@<name>…`, `viewer@<name>…` and so on."""
    mark, team_mark = f"{name}-orgmark", f"{name}-teammark"
    organisation = Organisation.objects.create(name=f"Organisation {mark}")
    team = Team.objects.create(organisation=organisation, name=f"Team {team_mark}")
    other_team = Team.objects.create(organisation=organisation, name=f"Other team of {mark}")
    people = _people(mark, organisation, team, other_team)
    made = {**people, **_accounts(people["owner"], organisation, team, team_mark)}
    made |= _resources(team, people["owner"], team_mark)
    made |= _runs(team, people["owner"], team_mark, made["resource"], made["environment"])
    return Things(
        mark=mark, team_mark=team_mark, organisation=organisation, team=team, other_team=other_team, **made
    )


def _people(mark: str, organisation: Organisation, team: Team, other_team: Team) -> dict[str, User]:
    places: dict[str, tuple[OrganisationRole, TeamRole | None]] = {
        "owner": (OrganisationRole.OWNER, None),
        "org_admin": (OrganisationRole.ADMIN, None),
        "team_admin": (OrganisationRole.MEMBER, TeamRole.ADMIN),
        "editor": (OrganisationRole.MEMBER, TeamRole.EDITOR),
        "viewer": (OrganisationRole.MEMBER, TeamRole.VIEWER),
        "member": (OrganisationRole.MEMBER, TeamRole.VIEWER),  # on whom others act
        "colleague": (OrganisationRole.MEMBER, None),
    }
    people = {}
    for name, (role, team_role) in places.items():
        user = people[name] = make_user(f"{name}@{mark}.example")
        OrganisationMembership.objects.create(organisation=organisation, user=user, role=role)
        if team_role:
            TeamMembership.objects.create(team=team, user=user, role=team_role)
    TeamMembership.objects.create(team=other_team, user=people["colleague"], role=TeamRole.ADMIN)
    return people


def make_user(email: str, **fields: Any) -> User:
    """Make somebody with an account."""
    return User.objects.create_user(email, PASSWORD, name=email.partition("@")[0], **fields)


def _accounts(owner: User, organisation: Organisation, team: Team, mark: str) -> dict[str, Any]:
    token, _ = tokens.create_token(
        user=owner, name=f"Token {mark}", scopes=["READ"], expires_at=timezone.now() + timedelta(days=1)
    )
    invitation = Invitation.objects.create(
        organisation=organisation,
        email=f"guest@{mark}.example",
        role=OrganisationRole.MEMBER,
        invited_by=owner,
        expires_at=expiry(),
    )
    audit.record(actor=owner, action="team.rename", team=team, target=team)
    event = AuditEvent.objects.get(team_id=team.pk, action="team.rename")
    return {"token": token, "invitation": invitation, "event": event}


def _resources(team: Team, owner: User, mark: str) -> dict[str, Any]:
    config = {"baseUrl": "http://127.0.0.1:1", "auth": {"type": "bearer", "token": SECRET}}
    resource, spare = (
        save_resource(team=team, user=owner, config=config, type="http", name=f"{name} {mark}")
        for name in ("Shop", "Spare")
    )
    environment = save_environment(
        team=team,
        user=owner,
        name=f"Staging {mark}",
        variables=[{"name": "password", "value": SECRET, "secret": True}],
        resources={"any": str(resource.pk)},
    )
    return {"resource": resource, "spare": spare, "environment": environment}


def _runs(team: Team, owner: User, mark: str, resource: Resource, environment: Environment) -> dict[str, Any]:
    """Make a flow of two versions, two runs that are over, and one that waits."""
    first = check_for_team(team, document(f"Flow {mark}", resource=resource))
    flow = create_flow(team=team, user=owner, document=first)
    second = check_for_team(team, document(f"Flow {mark}", resource=resource, delay=2), flow=flow)
    save_version(flow=flow, user=owner, document=second)
    flow.refresh_from_db()
    version = newest_version(flow)
    waiting = start_execution(
        team=team, user=owner, source=Source.API, version=version, environment=environment
    )
    over = [
        make_execution(
            team, user=owner, flow=flow, version=version, flow_version=2, flow_name=f"Flow {mark}",
            status=ExecutionStatus.COMPLETED, environment=environment, resource_choices={},
        )
        for _ in range(2)
    ]  # fmt: skip
    step = make_step(over[0], name="pause", request={"url": "http://127.0.0.1/"}, response={"body": mark})
    make_attempt(step)
    return {
        "flow": flow,
        "waiting": waiting,
        "execution": over[0],
        "other_execution": over[1],
        "step": step,
    }
