"""Asks every row as an actor, and collects what is not as expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from tests.matrix.actors import Actor, Asker
from tests.matrix.ranks import Rank
from tests.matrix.rows import SIGN_IN, Row
from tests.matrix.world import SECRET, Things

FORM = "application/x-www-form-urlencoded"


def ask(asker: Asker, row: Row, things: Things) -> Any:
    """Send the row's request about the tenant's things."""
    options: dict[str, Any] = {}
    if row.query:
        options["QUERY_STRING"] = row.query(things)
    if row.body:
        body = row.body(things)
        options["data"] = body if isinstance(body, str) else json.dumps(body)
        options["content_type"] = FORM if isinstance(body, str) else "application/json"
    return asker.ask(row.method, row.path(things), **options)


def problems_of(
    asker: Asker,
    actor: Actor,
    rows: Iterable[Row],
    tenants: dict[str, Things],
    *,
    no_login: int,
    more: Callable[[Row, Any], Iterable[str]] = lambda _row, _response: (),
) -> list[str]:
    """Return a line for each answer that is not as expected, or that tells a stranger something.

    `more` returns what else is wrong with a row's answer.
    """
    problems = []
    for tenant, things in tenants.items():
        for row in rows:
            if row.least <= Rank.USER and tenant != "acme":
                continue  # it is about no tenant
            response = ask(asker, row, things)
            expected = row.expected(actor, tenant, no_login=no_login)
            where = f"{row} as {actor.name} at {tenant}"
            if status_of(response) != expected:
                problems.append(f"{where}: {status_of(response)}, expected {expected}: {_told(response)}")
            problems += [f"{where}: tells {each!r}" for each in leaks(response, row, actor, tenant, things)]
            problems += [f"{where}: {each}" for each in more(row, response)]
    return problems


def leaks(response: Any, row: Row, actor: Actor, tenant: str, things: Things) -> list[str]:
    """Return what the answer holds that is not for the actor; a secret is for nobody."""
    text = text_of(response)
    found = [SECRET] if SECRET in text else []
    if actor.rank(tenant, in_team=True) > Rank.USER or actor.installation:
        return found
    found += [things.team_mark] if things.team_mark in text else []
    if not actor.is_stranger(tenant):
        return found
    sent = f"{row.path(things)} {row.query and row.query(things)} {row.body and row.body(things)}"
    return found + [each for each in (things.mark, *things.ids()) if each in text and each not in sent]


def status_of(response: Any) -> int:
    """Return the status; SIGN_IN where the answer leads to that page."""
    leads_there = response.status_code == 302 and response["Location"].startswith("/sign-in")
    return SIGN_IN if leads_there else int(response.status_code)


def text_of(response: Any) -> str:
    """Return the whole answer: head and body."""
    head = " ".join(f"{name}: {value}" for name, value in response.items())
    return f"{head} {response.content.decode('utf-8', 'replace')}"


def _told(response: Any) -> str:
    if response.status_code >= 500 and getattr(response, "exc_info", None):
        return repr(response.exc_info[1])
    return f"{response.get('Location', '')} {response.content[:300].decode('utf-8', 'replace')}"
