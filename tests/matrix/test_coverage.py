"""Each route and method has a row: a new one fails here, and learns which row to write."""

from __future__ import annotations

from collections import Counter

from tests.matrix import api_rows, page_rows
from tests.matrix.actors import Actor, Asker, World
from tests.matrix.routes import UNKNOWN, routes
from tests.matrix.rows import Row
from tests.matrix.walk import ask, leaks, status_of
from tests.matrix.world import Things

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROWS = [*api_rows.ROWS, *page_rows.ROWS]
DECLARED = {(row.route, row.method): row for row in ROWS}


def test_each_route_has_a_row_and_each_row_a_route() -> None:
    known = {row.route for row in ROWS}
    missing = [f"write a row for {route!r}: {_template(route)}" for route in _routes() if route not in known]
    assert not missing, "\n".join(missing)
    assert known <= set(_routes()), "rows of routes that there are not"
    assert max(Counter((row.route, row.method) for row in ROWS).values()) == 1


def test_a_method_without_a_row_is_not_allowed(world: World) -> None:
    askers = _askers(world.actors["owner"])
    missing = []
    for route in _routes():
        asker = _asker(askers, route)
        path = _some_path(route, world.tenants["acme"])
        answers = {method: asker.ask(method, path).status_code for method in _undeclared(route)}
        # 300 and more: closed to all, whatever the method (registration, links that are over).
        closed = asker.ask("GET", path).status_code if set(answers.values()) - {405} else 405
        missing += [
            f"{method} {route!r} answers {status}: write {_template(route, method)}"
            for method, status in answers.items()
            if status != 405 and (status < 300 or status != closed)
        ]
    assert not missing, "\n".join(missing)


def test_head_is_as_get(world: World) -> None:
    actor, things = world.actors["outsider"], world.tenants["acme"]
    askers, wrong = _askers(actor), []
    for row in [row for row in ROWS if row.method == "GET"]:
        response = _asker(askers, row.route).ask(
            "HEAD", row.path(things), QUERY_STRING=row.query(things) if row.query else ""
        )
        if status_of(response) != row.expected(actor, "acme", no_login=0):
            wrong.append(f"HEAD {row.route}: {status_of(response)}")
    assert not wrong


def test_options_tell_strangers_nothing(world: World) -> None:
    things, wrong = world.tenants["acme"], []
    for name in ("anonymous", "outsider"):
        actor = world.actors[name]
        askers = _askers(actor)
        for row in {row.route: row for row in ROWS}.values():
            response = _asker(askers, row.route).ask("OPTIONS", row.path(things))
            if response.status_code >= 500 or leaks(response, row, actor, "acme", things):
                wrong.append(f"OPTIONS {row.route} as {name}: {response.status_code}")
    assert not wrong


def test_unknown_addresses_of_the_api_are_404_for_all(world: World) -> None:
    for name in ("anonymous", "owner"):
        asker = Asker(world.actors[name], by_session=False)
        for method in METHODS:
            assert asker.ask(method, "/api/v1/no-such-thing").status_code == 404


def test_the_walk_notices_what_is_wrong(world: World) -> None:
    """The matrix itself: a leak and a wrong status would be told."""
    things, actor = world.tenants["acme"], world.actors["viewer"]
    row = DECLARED[("api/v1/flows/<uuid:pk>", "GET")]
    response = ask(Asker(actor, by_session=False), row, things)
    assert things.team_mark in leaks(response, row, world.actors["outsider"], "acme", things)
    assert row.expected(world.actors["outsider"], "acme", no_login=401) == 404 != response.status_code


def _routes() -> list[str]:
    return [route for route in routes() if route != UNKNOWN]


def _askers(actor: Actor) -> dict[bool, Asker]:
    """Return who asks pages (True) and the API (False)."""
    return {by_session: Asker(actor, by_session=by_session) for by_session in (True, False)}


def _asker(askers: dict[bool, Asker], route: str) -> Asker:
    return askers[not route.startswith(api_rows.API)]


def _undeclared(route: str) -> list[str]:
    return [method for method in METHODS if (route, method) not in DECLARED]


def _some_path(route: str, things: Things) -> str:
    same = next((row for row in ROWS if row.route == route), None)
    return same.path(things) if same else Row(route, "GET", api_rows.USER, ("x",) * 9).path(things)


def _template(route: str, method: str = "GET") -> str:
    if route.startswith(api_rows.API):
        return f'api("{method}", "{route.removeprefix(api_rows.API)}", VIEWER, …) in api_rows.py'
    return f'{method.lower()}("{route}", VIEWER, …) in page_rows.py'
