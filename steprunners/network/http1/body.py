"""Where the body of an answer ends (RFC 9112, sections 6 and 7), and its bytes without that framing."""

from __future__ import annotations

import re
from typing import Protocol

from steprunners.network.http1.head import Head, read_fields
from steprunners.network.http1.stream import MAX_HEAD_BYTES, Stream, bad_answer, cut_off, shown

_LENGTH = re.compile(r"[0-9]{1,19}\Z")
# The beginning of a chunk: its size, and extensions that mean nothing to us.
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,16}[ \t]*(?:\Z|;|\n|\r(?:\Z|\n))")
_PART = "the body"


class Source(Protocol):
    """Bytes that are read in pieces."""

    def read(self, size: int) -> bytes:
        """Return at least one byte and at most `size`; none at the end. Raises StepError and OSError."""


class Body(Source, Protocol):
    """The body as it is on the wire. `shows_end`: its framing tells a whole body from one that was cut."""

    shows_end: bool


def body_of(head: Head, method: str, stream: Stream) -> Body:
    """Return the body behind a head; raise StepError `bad_response` where its end cannot be told."""
    if has_no_body(head, method):
        return WithLength(stream, 0)
    if codings := transfer_codings(head):
        return _with_codings(head, codings, stream)
    if "content-length" in head.headers:
        return WithLength(stream, _length(head))
    if head.odd_line is not None:
        # It may have been the length: to wait for the end of the connection could take until the deadline.
        raise bad_answer(f"a header is {shown(head.odd_line)}, and no other one tells the length of the body")
    return UntilClosed(stream)


def has_no_body(head: Head, method: str) -> bool:
    """Whether the answer ends with its head, whatever its headers say."""
    return method == "HEAD" or head.status in (101, 204, 304) or (method == "CONNECT" and head.status < 300)


def transfer_codings(head: Head) -> list[str]:
    """Return the transfer codings in the order in which they were applied; `identity` is none."""
    return [coding for coding in head.tokens("transfer-encoding") if coding != "identity"]


def _with_codings(head: Head, codings: list[str], stream: Stream) -> Body:
    if codings.count("chunked") == 1 and codings[-1] == "chunked":
        return Chunked(stream)
    if "chunked" not in codings and closes(head):
        return UntilClosed(stream)
    raise bad_answer(
        f"its Transfer-Encoding is {shown(', '.join(codings).encode('latin-1'))}, without one 'chunked' at the end"
    )


def closes(head: Head) -> bool:
    """Whether the server closes the connection after this answer (RFC 9112, section 9.3)."""
    options = head.tokens("connection")
    return "close" in options or (head.version in ("1.0", "0.9") and "keep-alive" not in options)


def _length(head: Head) -> int:
    values = head.headers.getlist("content-length")
    lengths = [value.strip(" \t") for value in ",".join(values).split(",")]
    if not all(map(_LENGTH.match, lengths)) or len(set(map(int, lengths))) != 1:
        raise bad_answer(f"its Content-Length is {shown(', '.join(values).encode('latin-1'))}")
    return int(lengths[0])


class WithLength:
    """A body of a known length."""

    shows_end = True

    def __init__(self, stream: Stream, length: int) -> None:
        """Read `length` bytes."""
        self._stream, self.left = stream, length

    def read(self, size: int) -> bytes:
        """Return the next bytes; raise ConnectionFailed where the connection is closed before the end."""
        if not self.left:
            return b""
        data = self._stream.some(min(size, self.left))
        if not data:
            raise cut_off(_PART)
        self.left -= len(data)
        return data


class UntilClosed:
    """A body that ends with its connection."""

    shows_end = False

    def __init__(self, stream: Stream) -> None:
        """Read whatever comes."""
        self._stream = stream

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        return self._stream.some(size)


class Chunked:
    """A body in chunks; trailers are read and left out."""

    shows_end = True

    def __init__(self, stream: Stream) -> None:
        """Begin with the size of the first chunk."""
        self._stream = stream
        self._left = 0
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return the next bytes; raise StepError `bad_response`, or ConnectionFailed where chunks are missing."""
        if not self._left and not self._ended:
            self._begin_chunk()
        if self._ended:
            return b""
        data = self._stream.some(min(size, self._left))
        if not data:
            raise cut_off(_PART)
        self._left -= len(data)
        if not self._left:
            self._end_chunk()
        return data

    def _begin_chunk(self) -> None:
        line = self._stream.line(MAX_HEAD_BYTES, "the size of a chunk", _CHUNK_SIZE)
        self._left = int(line.partition(b";")[0], 16)
        if not self._left:
            read_fields(self._stream, MAX_HEAD_BYTES)
            self._ended = True

    def _end_chunk(self) -> None:
        if self._stream.skips(b"\r\n"):
            return
        end = self._stream.some(1)
        if end == b"\r":
            end = self._stream.some(1)
        if not end:
            raise cut_off(_PART)
        if end != b"\n":
            raise bad_answer("a chunk of the body is longer than its size says")
