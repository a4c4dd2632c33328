"""The database backend under the name that Django looks for, with a breaker before new connections."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db.backends.postgresql import base

from asynctester.postgresql.breaker import breaker


class DatabaseWrapper(base.DatabaseWrapper):
    """Asks for no connection while the breaker is open."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection of the pool. Raises OperationalError if none is free in time."""
        breaker.check()
        try:
            return super().get_new_connection(conn_params)
        except psycopg.OperationalError:
            breaker.trip()
            raise
