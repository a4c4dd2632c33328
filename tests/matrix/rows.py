"""What a row of the expectation is, and what follows from it for an actor."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.matrix.actors import Actor
from tests.matrix.ranks import Rank
from tests.matrix.world import Things

Made = Callable[[Things], Any]
READ, RUN, WRITE, NONE = "READ", "RUN", "WRITE", "no token"
TEAM, ORGANISATION = "team", "organisation"
#: A redirect to the page for signing in, as if it were a status of its own.
SIGN_IN = 1302


@dataclass(frozen=True)
class Row:
    """Who may ask this, and what they get.

    `least` is the rank from which on the answer is `ok`; below it the answer is `short`, for who is a stranger to the
    team or organisation (`of`) `stranger`. `at` names the things of the address, `query` and `body` make the rest.
    `installation`: what the installation's administrator gets, where that differs from any stranger. Of what ANYBODY
    may ask: `signed_in` is the answer to users, where it differs, and `checks_login` refuses a login that is over.
    """

    route: str
    method: str
    least: Rank
    at: tuple[str, ...] = ()
    ok: int = 200
    of: str = TEAM
    scope: str = ""
    short: int = 403
    stranger: int = 404
    installation: int = 0
    signed_in: int = 0
    checks_login: bool = False
    query: Made | None = None
    body: Made | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.route}"

    @property
    def needed_scope(self) -> str:
        """The scope of an API token that this takes."""
        return self.scope or (READ if self.method == "GET" else WRITE)

    def path(self, things: Things) -> str:
        """Return the address of the tenant's things."""
        keys = iter(self.at)
        return "/" + re.sub(r"<[^>]+>", lambda _: str(things.key(next(keys))), self.route)

    def expected(self, actor: Actor, tenant: str, *, no_login: int) -> int:
        """Return the status of the answer; `no_login` is what stands for "sign in first"."""
        if self._is_open_to(actor):
            return self.signed_in if actor.alive and self.signed_in else self.ok
        if not actor.alive:
            return no_login
        if actor.scopes is not None and self.needed_scope not in actor.scopes:
            return 403
        if actor.installation and self.installation:
            return self.installation
        return self._by_rank(actor.rank(tenant, in_team=self.of == TEAM))

    def _is_open_to(self, actor: Actor) -> bool:
        return self.least == Rank.ANYBODY and not (self.checks_login and actor.authorization)

    def _by_rank(self, rank: Rank) -> int:
        if rank >= self.least:
            return self.ok
        return self.stranger if rank <= Rank.USER else self.short
