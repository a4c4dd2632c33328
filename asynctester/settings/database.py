"""How every process reaches the database: DATABASE_URL with what the engine needs around it (settings)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.core.exceptions import ImproperlyConfigured
from environ import Env


def database(env: Env, data_dir: Path) -> dict[str, Any]:
    """Return the entry of DATABASES; what DATABASE_URL says in its query (sslmode, say) goes before what is here.

    Raises ImproperlyConfigured for a database that is neither PostgreSQL nor SQLite.
    """
    found: dict[str, Any] = env.db("DATABASE_URL", default=f"sqlite:///{data_dir / 'asynctester.sqlite3'}")
    given, engine = found.get("OPTIONS", {}), found.get("ENGINE")
    if engine == "django.db.backends.sqlite3":
        test = {"NAME": str(data_dir / "test.sqlite3")}
        return {**found, "OPTIONS": {**_of_sqlite(), **given}, "TEST": test, "CONN_MAX_AGE": None}
    if engine == "django.db.backends.postgresql":
        found["ENGINE"] = "asynctester.postgresql"
        host = unquote(found["HOST"])  # a folder of sockets is spelled %2Frun%2Fpostgresql
        # A connection that the server has ended is noticed as it is taken from the pool, and no request fails by it.
        return {**found, "HOST": host, "OPTIONS": _of_postgresql(env, given), "CONN_HEALTH_CHECKS": True}
    raise ImproperlyConfigured("DATABASE_URL must start with postgresql:// or sqlite://")


def _of_sqlite() -> dict[str, Any]:
    # WAL lets readers go on beside the one writer; IMMEDIATE makes a second writer wait instead of failing.
    return {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }


def _of_postgresql(env: Env, given: dict[str, Any]) -> dict[str, Any]:
    return {
        # Each thread of a worker keeps a connection; the sweeper, the timers and the watchers share the rest.
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_SIZE", default=env.int("WORKER_THREADS", default=32) + 12),
            "timeout": 10,
        },
        "connect_timeout": 5,
        # A database that is gone without a word (a cut cable) is noticed after about ten seconds.
        "keepalives_idle": 4,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        **given,
        **(_prepared(given) if env.bool("DATABASE_PREPARE", default=True) else {"prepare_threshold": None}),
    }


def _prepared(given: dict[str, Any]) -> dict[str, Any]:
    """Have the engine's statements (executions/cursors.py) parsed and planned once a connection, at their first use.

    PostgreSQL plans a prepared statement anew for its first five parameters, to see whether these matter. In the
    engine's they do not: each finds its rows by key. Off behind a pooler that hands each transaction to another
    connection and knows nothing of prepared statements.
    """
    once = f"-c plan_cache_mode=force_generic_plan {given.get('options', '')}"
    return {"prepare_threshold": 0, "options": once.strip()}
