"""The head of an answer: its status line and its headers (RFC 9112, sections 4 and 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from urllib3 import HTTPHeaderDict

from steprunners.network.http1.stream import MAX_HEAD_BYTES, Stream, bad_answer, shown

_BEGINS = re.compile(rb"H(?:\Z|T(?:\Z|T(?:\Z|P(?:\Z|/))))")
_STATUS_LINE = re.compile(rb"HTTP/(1\.[0-9]|0\.9)[ \t]+([1-9][0-9]{2})(?:[ \t]+(.*))?\Z")
# RFC 9110 allows fewer letters in a name, but a name with others does not change where the headers end.
_NAME = re.compile(rb"[^\x00-\x20\x7f:]+\Z")
# RFC 9110, section 5.5: CR and NUL inside a line are read as spaces.
_SPACES = bytes.maketrans(b"\0\r", b"  ")
_BLANKS = b" \t"
# A line counts as this many bytes more, as in HTTP/2 (RFC 9113, section 6.5.2): very many short ones cost time.
_LINE_BYTES = 32
_FIRST_LINE = "its first line"


@dataclass
class Head:
    """Status and headers as they came, their bytes as Latin-1.

    `odd_line` is the first line that is no header, which is left out of them.
    """

    version: str
    status: int
    reason: str
    headers: HTTPHeaderDict
    odd_line: bytes | None = None

    def tokens(self, name: str) -> list[str]:
        """Return the elements of a header that is a list of names, in lower case; none where it is missing."""
        values = ",".join(self.headers.getlist(name)).lower().split(",")
        return [token for value in values if (token := value.strip(" \t"))]


def read_head(stream: Stream) -> Head:
    """Return the head of the final answer, and skip interim ones (1xx, but not 101).

    A line without a colon or without a name is left out. Raises Unanswered, StepError `bad_response`, and
    ConnectionFailed where the connection is closed inside the head.
    """
    stream.begin()
    left = MAX_HEAD_BYTES
    while True:
        head, left = _read_one(stream, left)
        if head.status >= 200 or head.status == 101:
            return head


def _read_one(stream: Stream, left: int) -> tuple[Head, int]:
    first = stream.line(left, _FIRST_LINE, _BEGINS)
    head = _status_line(first)
    fields, left = read_fields(stream, left - len(first) - _LINE_BYTES)
    for line in fields:
        name, colon, value = line.partition(b":")
        name = name.rstrip(_BLANKS)
        if colon and _NAME.match(name):
            head.headers.add(name.decode("latin-1"), value.strip(_BLANKS).decode("latin-1"))
        else:
            head.odd_line = head.odd_line or line
    return head, left


def _status_line(line: bytes) -> Head:
    match = _STATUS_LINE.match(line)
    if match is None:
        raise bad_answer(f"{_FIRST_LINE} is {shown(line)}")
    version, status, reason = match.groups(b"")
    text = reason.translate(_SPACES).strip(_BLANKS).decode("latin-1")
    return Head(version.decode(), int(status), text, HTTPHeaderDict())


def read_fields(stream: Stream, left: int) -> tuple[list[bytes], int]:
    """Return the lines up to the empty one, folded ones joined, and how many of the `left` bytes are left."""
    lines: list[bytes] = []
    while line := stream.line(left, "a header"):
        left -= len(line) + _LINE_BYTES
        line = line.translate(_SPACES)
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] += b" " + line.strip(_BLANKS)
        else:
            lines.append(line)
    return lines, left
