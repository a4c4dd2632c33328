"""The bytes of one answer, read from its connection as they come."""

from __future__ import annotations

import re
import socket

from steprunners.errors import ConnectionFailed, StepError
from steprunners.masking.known_secrets import shorten

#: The most bytes that are read at once.
CHUNK_BYTES = 64 * 1024
#: The most bytes of the headers of an answer, with its interim answers; and of its trailers.
MAX_HEAD_BYTES = 256 * 1024
_MAX_SHOWN = 80


class Unanswered(ConnectionFailed):
    """The connection was lost before the first byte of an answer."""


def bad_answer(reason: str) -> StepError:
    """Return the error of an answer that is not valid HTTP."""
    return StepError(f"the answer is not valid HTTP: {reason}", code="bad_response")


def too_large(limit: int) -> StepError:
    """Return the error of a body that is larger than it may be."""
    return StepError(f"the body is larger than {limit:,} bytes", code="response_too_large")


def shown(line: bytes) -> str:
    """Return a line of the answer for a message: secrets masked, then cut."""
    return f"'{shorten(line.decode('utf-8', 'replace'), _MAX_SHOWN)}'"


class Stream:
    """Reads from a connected socket; bytes that nobody asked for yet wait in a buffer."""

    def __init__(self, connection: socket.socket) -> None:
        """Start at the first byte of an answer."""
        self._connection = connection
        self._buffer = bytearray()

    def __len__(self) -> int:
        """Return how many bytes wait in the buffer."""
        return len(self._buffer)

    def begin(self) -> None:
        """Wait for the first bytes; raise Unanswered where the connection is lost before."""
        try:
            came = self._receive()
        except ConnectionError as error:
            raise Unanswered("the server reset the connection") from error
        if not came:
            raise Unanswered("the server closed the connection without an answer")

    def line(self, limit: int, part: str, begins: re.Pattern[bytes] | None = None) -> bytes:
        """Return the next line without its end, which is CR LF or LF; messages call it `part`.

        Raises StepError `bad_response` where it is longer than `limit` bytes, or as soon as its beginning does not
        match `begins`: a server that speaks otherwise may never end its line. Raises ConnectionFailed where the
        connection is closed in it.
        """
        searched = 0
        while (end := self._buffer.find(b"\n", searched)) < 0 and len(self._buffer) <= limit:
            self._check_beginning(begins, part)
            searched = len(self._buffer)
            if not self._receive():
                raise cut_off(part)
        if not 0 <= end <= limit:
            raise bad_answer(f"{part} is too long: all headers together may have {MAX_HEAD_BYTES:,} bytes")
        self._check_beginning(begins, part)
        return self.taken(end + 1)[:-1].removesuffix(b"\r")

    def _check_beginning(self, begins: re.Pattern[bytes] | None, part: str) -> None:
        if begins is not None and self._buffer and not begins.match(self._buffer):
            line = bytes(self._buffer[:MAX_HEAD_BYTES]).partition(b"\n")[0].rstrip(b"\r")
            raise bad_answer(f"{part} is {shown(line)}")

    def some(self, size: int) -> bytes:
        """Return at least one byte and at most `size`; none where the connection is closed."""
        if self._buffer:
            return self.taken(size)
        return self._connection.recv(min(size, CHUNK_BYTES))

    def skips(self, expected: bytes) -> bool:
        """Remove these bytes where they come next and wait in the buffer."""
        if not self._buffer.startswith(expected):
            return False
        del self._buffer[: len(expected)]
        return True

    def taken(self, size: int) -> bytes:
        """Remove and return up to `size` bytes that wait in the buffer."""
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _receive(self) -> bool:
        chunk = self._connection.recv(CHUNK_BYTES)
        self._buffer += chunk
        return bool(chunk)


def cut_off(part: str) -> ConnectionFailed:
    """Return the error of a connection that was closed inside a part of the answer."""
    return ConnectionFailed(f"the server closed the connection in the middle of {part}")
