"""A connection of redis-py, used without the client around it: that takes three times as long for a short command."""

from __future__ import annotations

from typing import Any

from redis import RedisError

Command = tuple[str | bytes, ...]


class Line:
    """One connection to a Redis server, for one thread at a time; it opens itself, also again."""

    def __init__(self, connection: Any) -> None:
        """Take over what `ConnectionPool.make_connection()` gives: it knows the server, and how long to wait for it."""
        self._connection = connection

    def send(self, *commands: Command) -> list[Any]:
        """Send the commands in one go and return their answers. Nothing is sent twice.

        Raises what the connection raises (redis.RedisError, OSError), which some of the commands may have escaped.
        """
        connection = self._connection
        if self._is_stale():
            connection.disconnect()  # sending connects it again
        try:
            connection.send_packed_command(connection.pack_commands(commands))
            return [connection.read_response() for _ in commands]
        except BaseException:
            connection.disconnect()  # an answer that comes late must not be taken for the next one's
            raise

    def _is_stale(self) -> bool:
        """Whether there is something to read where no answer is awaited: the end, most likely."""
        try:
            return bool(self._connection.is_connected and self._connection.can_read())
        except (RedisError, OSError):
            return True
