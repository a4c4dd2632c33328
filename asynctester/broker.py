"""How every process reaches the broker: its URL, Kombu's transport options, and whether the fast path is on."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

#: One Redis server: by TCP, by TLS, by a Unix socket.
PLAIN_REDIS = frozenset({"redis", "rediss", "redis+socket"})
_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
#: Seconds that a process waits for a connection to Redis, and for an answer.
_TIMEOUTS = {"socket_timeout": 1, "socket_connect_timeout": 1}


def broker_url(env: Env, redis_url: str) -> str:
    """Return CELERY_BROKER_URL; without it REDIS_URL as Kombu spells it (redis+socket:// for unix://)."""
    url: str = env("CELERY_BROKER_URL", default="") or redis_url.replace("unix://", "redis+socket://", 1)
    return url


def fast_path(env: Env, url: str) -> bool:
    """Return BROKER_FAST_PATH; it is on by default where the broker is one Redis server.

    Raises ImproperlyConfigured for a value that is neither yes nor no, and for a broker that has no fast path.
    """
    plain = _scheme(url) in PLAIN_REDIS
    wanted = yes_or_no(env, "BROKER_FAST_PATH", default=plain)
    if wanted and not plain:
        raise ImproperlyConfigured(
            f"BROKER_FAST_PATH=true needs a broker at redis:// or rediss://, not at {_scheme(url)}://"
        )
    return wanted


def yes_or_no(env: Env, name: str, *, default: bool) -> bool:
    """Return a setting that is true or false. Raises ImproperlyConfigured for other values."""
    value = env(name, default="").strip().lower()
    if not value:
        return default
    if value not in _YES | _NO:
        raise ImproperlyConfigured(f"{name} is true or false, not {value}")
    return value in _YES


def transport_options(env: Env, url: str, queue_order: str) -> dict[str, Any]:
    """Return Kombu's options for Redis and Redis Sentinel; none for other brokers.

    Raises ImproperlyConfigured where Sentinel is to be asked and BROKER_MASTER_NAME does not say for which server.
    """
    if _scheme(url) in PLAIN_REDIS:
        return _of_redis(queue_order)
    if _scheme(url) == "sentinel":
        return {**_of_redis(queue_order), **_of_sentinel(env)}
    return {}


def _of_redis(queue_order: str) -> dict[str, Any]:
    return {
        # Kombu's emulated acknowledgement writes each message twice more, to bring it back an hour after its worker
        # was lost. Our sweeper does that after 30 s. What a worker holds when it ends well goes back in any case.
        "ack_emulation": False,
        **_TIMEOUTS,
        # Else Kombu tries for six seconds to connect before it says that the broker is away.
        "retry_on_timeout": False,
        "max_retries": 1,
        "interval_start": 0,
        "priority_steps": [0],  # a lane is a queue, and has one list
        "queue_order_strategy": queue_order,
    }


def _of_sentinel(env: Env) -> dict[str, Any]:
    name = env("BROKER_MASTER_NAME", default="")
    if not name:
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL=sentinel://… needs BROKER_MASTER_NAME: the name under which Sentinel watches the server"
        )
    password = env("BROKER_SENTINEL_PASSWORD", default="")
    login = {"password": password} if password else {}
    return {"master_name": name, "sentinel_kwargs": {**_TIMEOUTS, **login}}


def _scheme(url: str) -> str:
    return urlsplit(url).scheme
