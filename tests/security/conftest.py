"""What the tests of secrets share: an echo that knows them, and a scene to run flows in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import Team, User
from tests.cast import ApiFor, PageFor
from tests.executions.conftest import driven, engine_threads  # noqa: F401 - pytest looks for fixtures here
from tests.security.echo import Echo
from tests.security.scene import Scene, make_scene
from tests.security.secrets import CANARIES


@pytest.fixture(scope="session")
def echo_server() -> Iterator[Echo]:
    server = Echo(CANARIES)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def echo(echo_server: Echo) -> Echo:
    """The tested system; a test may have it know secrets of its own."""
    echo_server.canaries = dict(CANARIES)
    echo_server.heard.clear()
    return echo_server


@pytest.fixture
def scene(
    driven: None,  # noqa: F811
    team: Team,
    alice: User,
    echo: Echo,
    api: ApiFor,
    page: PageFor,
) -> Scene:
    """Flows run in the test's own transaction, with everything that is kept and told of them."""
    return make_scene(team, alice, echo, api, page)
