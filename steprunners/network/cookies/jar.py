"""A cookie jar: keeps the cookies of answers (RFC 6265, section 5.3) and gives those for a request (section 5.4).

The jar is made from entries that earlier calls left, and tells which entries it changed: set, or removed. A jar that
knows only of its own changes can be merged with those of other steps (`steprunners.values.sessions`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from steprunners.network.cookies.matching import Target, canonical, domain_matches, path_matches
from steprunners.network.cookies.set_cookie import SetCookie, parse_set_cookie
from steprunners.values.sessions import Entries, merged


@dataclass(frozen=True)
class Cookie:
    """A kept cookie. Name and value are bytes read as Latin-1; `expires` is in seconds since the epoch.

    `created` orders cookies: it is when a cookie of this name, domain and path was first set, in microseconds.
    """

    name: str
    value: str
    domain: str
    path: str
    host_only: bool
    secure: bool
    expires: float | None
    created: int

    @property
    def key(self) -> str:
        """What there is one cookie for."""
        return json.dumps([self.domain, self.path, self.name])

    def is_expired(self) -> bool:
        """Return whether its time is over."""
        return self.expires is not None and self.expires <= time.time()

    def belongs_to(self, target: Target) -> bool:
        """Return whether a request to the target carries it."""
        of_host = target.host == self.domain if self.host_only else domain_matches(target.host, self.domain)
        return of_host and path_matches(target.path, self.path) and (target.is_secure or not self.secure)


class CookieJar:
    """The cookies of one call, and what it changed."""

    def __init__(self, entries: Mapping[str, dict[str, Any]] | None = None) -> None:
        """Begin with the entries that earlier calls left (`changes` of theirs, merged)."""
        entries = entries or {}
        self._newest: int = max((entry["at"] for entry in entries.values()), default=0)
        self._cookies = {
            key: Cookie(**entry["cookie"]) for key, entry in entries.items() if entry.get("cookie")
        }
        #: The entries that were changed since: `{"at": time}` for a removed cookie, with `cookie` for one that was set.
        self.changes: Entries = {}

    def __bool__(self) -> bool:
        """Return whether there is a cookie in it."""
        return bool(self._cookies)

    def header_for(self, target: Target) -> str | None:
        """Return the value of the Cookie header for a request; None where it carries no cookie."""
        return "; ".join(f"{each.name}={each.value}" for each in self._sent_to(target)) or None

    def names_for(self, target: Target) -> list[str]:
        """Return the names of the cookies that a request carries, as text, in the order of the Cookie header."""
        return [_text(each.name) for each in self._sent_to(target)]

    def receive(self, headers: Iterable[str], target: Target) -> None:
        """Keep the cookies that the Set-Cookie headers of an answer from the target set, and remove the expired."""
        for header in headers:
            said = parse_set_cookie(header)
            cookie = said and self._cookie(said, target)
            if cookie:
                self._keep(cookie)
        self.changes = merged([self.changes])

    def set_texts(self) -> dict[str, str]:
        """Return the cookies that were set and not removed since: their values by name, as text."""
        return {
            _text(cookie.name): _text(cookie.value)
            for cookie in (self._cookies.get(key) for key in self.changes)
            if cookie is not None
        }

    def _sent_to(self, target: Target) -> list[Cookie]:
        sent = [each for each in self._cookies.values() if each.belongs_to(target) and not each.is_expired()]
        return sorted(sent, key=lambda cookie: (-len(cookie.path), cookie.created))

    def _cookie(self, said: SetCookie, target: Target) -> Cookie | None:
        """Return the cookie as it is to be kept; None where the server may not set it."""
        domain = canonical(said.domain)
        is_own = domain == target.host
        # A name without a dot is a top-level domain, or one host of a local network: nobody sets a cookie for all of
        # the former, and the latter is meant alone (RFC 6265, section 5.3, step 5: public suffixes).
        host_only = not domain or (is_own and "." not in domain)
        if domain and not is_own and ("." not in domain or not domain_matches(target.host, domain)):
            return None
        return Cookie(
            name=said.name,
            value=said.value,
            domain=target.host if host_only else domain,
            path=target.default_path() if said.path is None else said.path,
            host_only=host_only,
            secure=said.secure,
            expires=said.expires if said.max_age is None else _expiry(said.max_age),
            created=self._now(),
        )

    def _now(self) -> int:
        """Return the time in microseconds; it is later than all changes that the jar knows, on every machine."""
        self._newest = max(time.time_ns() // 1_000, self._newest + 1)
        return self._newest

    def _keep(self, cookie: Cookie) -> None:
        before = self._cookies.pop(cookie.key, None)
        at = cookie.created
        self.changes.pop(cookie.key, None)  # so that the order is that of the changes
        if cookie.is_expired():
            self.changes[cookie.key] = {"at": at}
            return
        kept = {**asdict(cookie), "created": before.created if before else at}
        self._cookies[cookie.key] = Cookie(**kept)
        self.changes[cookie.key] = {"at": at, "cookie": kept}


def _expiry(max_age: int) -> float:
    return time.time() + max_age if max_age > 0 else 0


def _text(raw: str) -> str:
    """Return bytes read as Latin-1 as the text that they are: UTF-8, or else Latin-1."""
    try:
        return raw.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return raw
