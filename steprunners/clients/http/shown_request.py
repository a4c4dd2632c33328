"""The request of an `http` step as it is stored and shown: what was sent, with its secrets masked."""

from __future__ import annotations

import secrets

from steprunners.clients.http.building import absolute_url
from steprunners.clients.http.connection import HttpConnection
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.masking.secret_names import tells_secret
from steprunners.network.urls import normal_url, without_fragment

# Stands for a masked value while the URL around it is made normal: letters and digits stay as they are.
_STAND_IN = f"m{secrets.token_hex(8)}"


def shown_request(request: dict[str, Json], connection: HttpConnection | None) -> dict[str, Json]:
    """Return the masked meta with the absolute URL, and with the headers that the resource adds to the step's.

    `query` is shown beside the URL, not in it.
    """
    shown = dict(request)
    shown["url"] = _url(str(request.get("url", "")), connection)
    if connection is not None and (usual := _of_resource(connection, request)):
        own = request.get("headers")
        shown["headers"] = {**usual, **(own if isinstance(own, dict) else {})}
    return shown


def _url(masked: str, connection: HttpConnection | None) -> str:
    if masked.startswith(MASK):
        return masked  # nobody may see whether that is absolute
    try:
        url = normal_url(absolute_url(masked.replace(MASK, _STAND_IN), connection))
    except BadConfig:
        return masked  # nothing was sent, or a secret is the port
    return without_fragment(url).replace(_STAND_IN, MASK)


def _of_resource(connection: HttpConnection, request: dict[str, Json]) -> dict[str, Json]:
    own = request.get("headers")
    given = {name.lower() for name in own} if isinstance(own, dict) else set()
    if request.get("form") is not None or request.get("multipart") is not None:
        given.add("content-type")  # the body's own type
    return {
        name: MASK if tells_secret(name) else value
        for name, value in connection.headers.items()
        if value is not None and name.lower() not in given
    }
