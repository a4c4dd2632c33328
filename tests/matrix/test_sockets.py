"""Every WebSocket route as everybody, over real sockets: a snapshot or silence for who may, a close code for others."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from pytest_django import Settings
from websockets.exceptions import ConnectionClosed

from executions.live.routing import websocket_urlpatterns
from tests.executions.live.conftest import Watch, live_port, watch  # noqa: F401  # fixtures
from tests.matrix.actors import Actor, make_world, switch_off
from tests.matrix.ranks import Rank

pytestmark = pytest.mark.django_db(transaction=True)
OVER, POLICY, NO_LOGIN, UNKNOWN = 1000, 1008, 4401, 4404
NONSENSE = 25  # messages: more than a stream that listens puts up with
#: The thing of the address, and whether it belongs to the team. All is for viewers and above, with the scope READ.
ROUTES = {
    "api/v1/executions/<uuid:identifier>/stream": "executions/{execution}",
    "api/v1/teams/<uuid:identifier>/stream": "teams/{team}",
    "": "no-such/{team}",  # everything else
}


def test_each_route_has_a_row() -> None:
    assert {str(each.pattern) for each in websocket_urlpatterns} == set(ROUTES)


def test_everybody_hears_what_is_theirs(
    transactional_db: None,
    quick_passwords: None,
    settings: Settings,
    watch: Watch,  # noqa: F811  # the fixture
) -> None:
    world = make_world()
    switch_off(world)
    wrong = []
    for tenant, things in world.tenants.items():
        for route, template in ROUTES.items():
            path = template.format(execution=things.execution.pk, team=things.team.pk)
            for actor in world.actors.values():
                told = heard(watch, path, actor)
                if told != expected(route, actor, tenant):
                    wrong.append(f"{path} as {actor.name} at {tenant}: {told}")
    assert not wrong, "\n".join(wrong)


def expected(route: str, actor: Actor, tenant: str) -> Any:
    """Return the close code: who may hears a run that is over out, and is put out of a team's stream for nonsense."""
    if not actor.alive or (actor.scopes is not None and "READ" not in actor.scopes):
        return NO_LOGIN
    if not route or actor.rank(tenant, in_team=True) < Rank.VIEWER:
        return UNKNOWN
    return OVER if "executions" in route else POLICY


def heard(watch: Watch, path: str, actor: Actor) -> Any:  # noqa: F811  # the fixture
    """Return the close code; only the stream of a run holds a message, its snapshot."""
    bearer = actor.authorization.partition(" ")[2]
    with watch(path, subprotocols=["bearer", bearer] if bearer else None) as client:
        if path.startswith("teams/"):
            with suppress(ConnectionClosed):
                for _ in range(NONSENSE):
                    client.send("nonsense")
        messages, code = client.until_close()
    return code if bool(messages) == (code == OVER) else f"{code} after {messages}"
