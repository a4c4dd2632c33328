"""PostgreSQL through psycopg: the login, the cursors, and JSON forms of every type."""

from steprunners.clients.sql.postgresql.dialect import PostgreSql

__all__ = ["PostgreSql"]
