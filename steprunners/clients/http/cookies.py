"""A cookie jar as JSON, shared by the steps of an execution; domain, path and expiry are kept (RFC 6265)."""

from __future__ import annotations

from http.cookiejar import Cookie
from typing import Any

from requests.cookies import RequestsCookieJar

from steprunners.json_types import Json

_FIELDS = (
    "name",
    "value",
    "domain",
    "path",
    "secure",
    "expires",
    "domain_specified",
    "domain_initial_dot",
    "path_specified",
)


def dump_cookies(jar: RequestsCookieJar) -> Json:
    """Return the cookies that have not expired."""
    return [{name: getattr(cookie, name) for name in _FIELDS} for cookie in jar if not cookie.is_expired()]


def load_cookies(session: Json) -> RequestsCookieJar:
    """Return the jar that `dump_cookies` wrote; None is an empty one."""
    jar = RequestsCookieJar()
    for fields in session if isinstance(session, list) else []:
        if isinstance(fields, dict):
            jar.set_cookie(_cookie(fields))
    return jar


def _cookie(fields: dict[str, Any]) -> Cookie:
    return Cookie(
        version=0,
        port=None,
        port_specified=False,
        discard=False,
        comment=None,
        comment_url=None,
        rest={},
        **fields,
    )
