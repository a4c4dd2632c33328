"""An answer of a server: its head is read at once, its body when it is asked for."""

from __future__ import annotations

import socket

from urllib3 import HTTPHeaderDict

from steprunners.network.http1.body import Source, UntilClosed, WithLength, body_of, closes, transfer_codings
from steprunners.network.http1.codings import decoded
from steprunners.network.http1.head import Head, read_head
from steprunners.network.http1.stream import CHUNK_BYTES, Stream, too_large


class Answer:
    """The answer to one request, in the form that http.client expects of a `response_class`."""

    #: http.client would close the connection as soon as the head is read; whoever reads the body does it instead.
    will_close = False

    def __init__(self, connection: socket.socket, debuglevel: int = 0, method: str = "GET") -> None:
        """Read from the connection; `debuglevel` is http.client's, and not used."""
        del debuglevel
        self._stream, self._method = Stream(connection), method
        self._ended = False

    def begin(self) -> None:
        """Read the head. Raises Unanswered, StepError `bad_response`, ConnectionFailed or OSError."""
        self._head: Head = read_head(self._stream)
        self._body = body_of(self._head, self._method, self._stream)

    @property
    def status(self) -> int:
        """The status code, 100 to 999."""
        return self._head.status

    @property
    def reason(self) -> str:
        """The text behind the status code, its bytes as Latin-1."""
        return self._head.reason

    @property
    def headers(self) -> HTTPHeaderDict:
        """The headers, their bytes as Latin-1."""
        return self._head.headers

    def read(self, limit: int) -> bytes:
        """Return the whole body, decoded.

        Raises StepError `bad_response` or `response_too_large` (more than `limit` bytes), ConnectionFailed, OSError.
        """
        source = self._decoded(limit)
        chunks: list[bytes] = []
        size = 0
        while chunk := source.read(CHUNK_BYTES):
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            chunks.append(chunk)
        self._ended = True
        return b"".join(chunks)

    def _decoded(self, limit: int) -> Source:
        codings = [*self._head.tokens("content-encoding"), *transfer_codings(self._head)]
        codings = [each for each in codings if each not in ("identity", "chunked")]
        if not codings:
            return self._body
        return decoded(self._body, codings, limit, may_be_empty=self._body.shows_end)

    def skip(self) -> None:
        """Leave the body out. The connection can be kept only where the whole body has come already."""
        if isinstance(self._body, WithLength) and self._body.left <= len(self._stream):
            self._stream.taken(self._body.left)
            self._ended = True

    @property
    def leaves_connection(self) -> bool:
        """Whether the connection can carry another request: the answer was read to its end, and nobody doubts it."""
        return (
            self._ended
            and not self._stream  # what is left would be taken for the next answer
            and not isinstance(self._body, UntilClosed)
            and not closes(self._head)
            and self._head.odd_line is None
            and not ("transfer-encoding" in self.headers and "content-length" in self.headers)
            and self.status != 101
            and self._method != "CONNECT"
        )

    def isclosed(self) -> bool:
        """Whether the body was read, as http.client asks before the next request."""
        return self._ended

    def close(self) -> None:
        """Do nothing: the connection is closed by its owner."""
