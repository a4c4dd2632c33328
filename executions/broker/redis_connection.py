"""A connection of redis-py without the client around it.

redis-py documents what is used here. The client takes three times as long for a short command: 40 µs more for a task's
message and 50 µs more for a step's live updates, together 2 to 3 % of a step (docs/adr/0019).
"""

from __future__ import annotations

from typing import Any

from redis import RedisError

Command = tuple[str | bytes, ...]


class Line:
    """One connection to a Redis server, for one thread at a time. It opens itself, and opens again after an error."""

    def __init__(self, connection: Any) -> None:
        """Use a connection of `ConnectionPool.make_connection()`: it knows the server and its timeouts."""
        self._connection = connection

    def send(self, *commands: Command) -> list[Any]:
        """Send the commands at once and return their answers. Nothing is sent twice.

        Raises what the connection raises (redis.RedisError, OSError). Some of the commands may have been carried out.
        """
        connection = self._connection
        if self._is_stale():
            connection.disconnect()  # sending connects it again
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            return [connection.read_response() for _ in commands]
        except BaseException:
            connection.disconnect()  # a late answer must not be taken for that of the next command
            raise

    def _is_stale(self) -> bool:
        """Return whether there is something to read that nobody asked for: usually the end of the connection."""
        try:
            return bool(self._connection.is_connected and self._connection.can_read())
        except (RedisError, OSError):
            return True
