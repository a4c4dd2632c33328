"""What the rounds of races are about: things of one team, made anew for each round."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from accounts.models import AuditEvent, Organisation, OrganisationMembership, Team, TeamMembership, User
from executions.models import Execution
from executions.starting.start import start_execution
from executions.states import ExecutionStatus, Source
from flows.models import Flow
from flows.selectors import check_for_team, newest_version
from flows.services import create_flow
from resources.models import Environment, Resource
from resources.services import save_environment, save_resource
from tests.cast import join
from tests.executions.rows import make_execution, make_step
from tests.races.racing import Request, api

SECRET = "canary-of-the-races"  # to be looked for
Role = OrganisationMembership.Role


@dataclass
class Stage:
    """Acme, and makers of what a round needs."""

    organisation: Organisation
    team: Team
    alice: User
    bob: User
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def name(self, what: str) -> str:
        """Return a name that nothing has yet."""
        return f"{what} {next(self._numbers)}"

    def ask(self, method: str, path: str, body: Any = None, **headers: Any) -> Request:
        """Return a request of Alice's."""
        return api(self.alice, method, path, body, **headers)

    def new_organisation(self) -> Organisation:
        """Make another organisation of Alice's."""
        made = Organisation.objects.create(name=self.name("Organisation"))
        OrganisationMembership.objects.create(organisation=made, user=self.alice, role=Role.OWNER)
        return made

    def new_team(self) -> Team:
        """Make another team of Acme."""
        made = Team.objects.create(organisation=self.organisation, name=self.name("Team"))
        TeamMembership.objects.create(team=made, user=self.alice, role=TeamMembership.Role.ADMIN)
        return made

    def member(self, role: str = Role.MEMBER, team_role: str = TeamMembership.Role.VIEWER) -> User:
        """Make another member of Acme and of the team."""
        return join(self.name("member").replace(" ", "-"), self.team, role, team_role)

    def resource(self, team: Team | None = None) -> Resource:
        """Make a resource."""
        config = {"baseUrl": "http://127.0.0.1:1", "auth": {"type": "bearer", "token": SECRET}}
        return save_resource(
            team=team or self.team, user=self.alice, config=config, type="http", name=self.name("Shop")
        )

    def environment(self, team: Team | None = None) -> Environment:
        """Make an environment with a secret."""
        variables = [{"name": "password", "value": SECRET, "secret": True}]
        return save_environment(
            team=team or self.team, user=self.alice, name=self.name("Staging"), variables=variables
        )

    def document(self, *, resource: str | None = None, delay: int = 1) -> dict[str, Any]:
        """Return a flow, which may use a resource."""
        steps: list[dict[str, Any]] = [{"name": "pause", "stepType": "delay", "meta": {"delayMs": delay}}]
        if resource is not None:
            steps.append({"name": "ask", "stepType": "http", "meta": {"resourceId": resource, "url": "/x"}})
        return {"name": self.name("Flow"), "steps": steps}

    def flow(self, team: Team | None = None, **what: Any) -> Flow:
        """Make a flow."""
        team = team or self.team
        document = check_for_team(team, self.document(**what))
        return create_flow(team=team, user=self.alice, document=document)

    def over(self, **what: Any) -> Execution:
        """Make an execution that has ended."""
        execution = make_execution(
            what.pop("team", self.team), user=self.alice, status=ExecutionStatus.COMPLETED, **what
        )
        make_step(execution, name="pause")
        return execution

    def waiting(self, flow: Flow, environment: Environment | None = None) -> Execution:
        """Start an execution that no worker takes."""
        return start_execution(
            team=flow.team,
            user=self.alice,
            source=Source.API,
            version=newest_version(flow),
            environment=environment,
        )


def events(action: str, target: Any) -> int:
    """Return how many such events there are about the thing."""
    return AuditEvent.objects.filter(action=action, target_id=str(target.pk)).count()


def exists(row: Any) -> bool:
    """Return whether the row is (still) there."""
    return bool(type(row)._default_manager.filter(pk=row.pk).exists())
