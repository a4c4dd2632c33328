"""Brings the systems behind the lab into the demo team as resources that the lab's flows name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ValidationError

from accounts.models import Team, User
from resources.models import Resource
from resources.services import save_resource

Config = dict[str, Any]
SQLITE = "sqlite:///"


def ensure_lab_resources(*, team: Team, user: User, addresses: Mapping[str, str]) -> set[str]:
    """Make a resource for each address that is not ""; return the names of those that there are now.

    `addresses` has the keys of RESOURCES. A resource that is there stays as it is, but where it points to this machine
    it follows the lab. Raises ValidationError for an address that is none, resources' Invalid for one that they refuse.
    """
    for name, (kind, read) in RESOURCES.items():
        if address := addresses.get(name):
            _ensure(team, user, name=name, kind=kind, config=read(address))
    return set(Resource.objects.filter(team=team, name__in=RESOURCES).values_list("name", flat=True))


def _ensure(team: Team, user: User, *, name: str, kind: str, config: Config) -> None:
    known = Resource.objects.filter(team=team, name=name).first()
    if known is None:
        save_resource(team=team, user=user, name=name, type=kind, group_name="lab", config=config)
    elif known.type == kind and _is_here(known.config) and not config.items() <= known.config.items():
        save_resource(resource=known, team=team, user=user, config={**known.config, **config})


def _is_here(config: Config) -> bool:
    """Say whether the config points to this machine: to a SQLite file, or to a loopback address."""
    if config.get("engine") == "sqlite":
        return True
    address = config.get("host") or config.get("bootstrapServers") or urlsplit(config.get("url", "")).hostname
    host = str(address).rpartition(":")[0] or str(address)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sql(url: str) -> Config:
    if url.startswith(SQLITE):
        return {"engine": "sqlite", "database": url.removeprefix(SQLITE)}
    parts = _parts(url, "postgresql", "mysql", "mariadb")
    return {"engine": parts.scheme, "database": parts.path[1:], **_server(parts, user="user")}


def _redis(url: str) -> Config:
    parts = _parts(url, "redis", "rediss")
    number = parts.path[1:] or "0"
    if not number.isdigit():
        raise ValidationError(f"not the number of a Redis database: {number}")
    return {"database": int(number), "tls": parts.scheme == "rediss", **_server(parts, user="username")}


def _server(parts: Any, *, user: str) -> Config:
    found = {
        "host": parts.hostname,
        "port": parts.port,
        user: unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    return {name: value for name, value in found.items() if value}


def _web(url: str) -> Config:
    return {"url": _parts(url, "http", "https").geturl()}


def _parts(url: str, *schemes: str) -> Any:
    """Return the URL's parts; raise ValidationError, which does not repeat the password that may be in it."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValidationError(
            f"not an address that begins with {' or '.join(f'{name}://' for name in schemes)}"
        )
    return parts


#: The resources of the lab's flows: their type, and how their address (`bootstrap --lab-…`) is read.
RESOURCES: dict[str, tuple[str, Callable[[str], Config]]] = {
    "shop-db": ("sql", _sql),
    "shop-kafka": ("kafka", lambda servers: {"bootstrapServers": servers}),
    "shop-cache": ("redis", _redis),
    "shop-logs": ("loki", _web),
    "shop-metrics": ("prometheus", _web),
}
