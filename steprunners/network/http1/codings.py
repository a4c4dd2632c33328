"""Content and transfer codings: gzip, deflate, br, zstd (RFC 9110, section 8.4.1; RFC 7932, RFC 8878).

Each decoder gives at most as many bytes as it is asked for, so a decompression bomb ends at the limit of the body.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Protocol

import brotli

from steprunners.errors import StepError
from steprunners.network.http1.body import Source
from steprunners.network.http1.stream import CHUNK_BYTES, shown, too_large

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: The most codings of one body, as in curl and urllib3.
MAX_CODINGS = 5
#: The window of 8 MiB that every zstd decoder of HTTP has, and no more (RFC 9659).
_ZSTD_WINDOW_LOG = 23


class _Decoder(Protocol):
    """The interface of Python's own decompressors."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        decoded = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = not self._inner.unconsumed_tail and len(decoded) < max_length
        return decoded


class _Deflate:
    """Reads `deflate` as it is defined, in zlib's format, and as many servers send it, without."""

    def __init__(self) -> None:
        self._inner: _Zlib | None = None
        self._begin = b""

    @property
    def eof(self) -> bool:
        return self._inner is not None and self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._inner is None or self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data if self._inner else b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        if self._inner is None:
            data = self._begin = self._begin + data
            if len(data) < 2:
                return b""
            self._inner = _Zlib(zlib.MAX_WBITS if _is_zlib(data) else -zlib.MAX_WBITS)
        return self._inner.decompress(data, max_length)


def _is_zlib(data: bytes) -> bool:
    """Whether data begins with the two bytes of RFC 1950; no encoder begins a bare stream with them."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


class _Brotli:
    unused_data = b""  # data behind the end is an error of the library

    def __init__(self) -> None:
        self._inner = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._inner.is_finished())

    @property
    def needs_input(self) -> bool:
        return bool(self._inner.can_accept_more_data())

    def decompress(self, data: bytes, max_length: int) -> bytes:
        decoded: bytes = self._inner.process(data, output_buffer_limit=max_length)
        return decoded


def _gzip() -> _Decoder:
    return _Zlib(zlib.MAX_WBITS + 16)


def _zstd() -> _Decoder:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG})


_DECODERS: dict[str, Callable[[], _Decoder]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _zstd,
}
_HAVE_MEMBERS = frozenset({"gzip", "x-gzip", "zstd"})
_ERRORS = (zlib.error, brotli.error, zstd.ZstdError)


def decoded(source: Source, codings: list[str], limit: int, *, may_be_empty: bool) -> Source:
    """Return the source with its codings, in the order in which they were applied, undone.

    `may_be_empty`: no byte at all is an empty body. Raises StepError `bad_response` for too many codings. Reading does
    so where a coding is unknown, where data are damaged, and where their end is missing; and it raises
    `response_too_large` after `limit` bytes, of each coding, because what a bomb hides in another costs time, too.
    """
    if len(codings) > MAX_CODINGS:
        raise StepError(f"the body has more than {MAX_CODINGS} codings", code="bad_response")
    for coding in reversed(codings):
        if coding in _DECODERS:
            source = _Decoded(source, coding, limit, may_be_empty=may_be_empty)
        else:
            source = _Unknown(source, coding)
    return source


class _Unknown:
    """A source whose coding has no decoder here: it can only be empty."""

    def __init__(self, source: Source, coding: str) -> None:
        self._source, self._coding = source, coding

    def read(self, size: int) -> bytes:
        """Return nothing; raise StepError `bad_response` where there is something."""
        if self._source.read(size):
            raise StepError(
                f"the body has the coding {shown(self._coding.encode('latin-1'))}, which cannot be decoded: "
                f"only {', '.join(_DECODERS)} can",
                code="bad_response",
            )
        return b""


class _Decoded:
    """A source of which one coding is undone."""

    def __init__(self, source: Source, coding: str, limit: int, *, may_be_empty: bool) -> None:
        self._source, self._coding, self._may_be_empty = source, coding, may_be_empty
        self._limit, self._left = limit, limit
        self._decoder = _DECODERS[coding]()
        self._unread = b""
        self._begun = False

    def read(self, size: int) -> bytes:
        """Return the next decoded bytes."""
        while True:
            if self._decoder.eof and not self._next_member():
                return b""
            data = self._input() if self._decoder.needs_input else b""
            if data is None:
                return b""
            if decoded := self._decompress(data, size):
                self._left -= len(decoded)
                if self._left < 0:
                    raise too_large(self._limit)
                return decoded

    def _input(self) -> bytes | None:
        """Return the next encoded bytes, or None where there are none at all."""
        data, self._unread = self._unread or self._source.read(CHUNK_BYTES), b""
        if not data:
            if self._begun or not self._may_be_empty:
                raise self._damaged("ends too early")
            return None
        self._begun = True
        return data

    def _decompress(self, data: bytes, size: int) -> bytes:
        try:
            return self._decoder.decompress(data, size)
        except _ERRORS as error:
            raise self._damaged("is not valid") from error

    def _next_member(self) -> bool:
        """Begin with the next part of the data, where there is one; zeros behind a part are padding."""
        data = self._decoder.unused_data.lstrip(b"\0")
        while not data and (more := self._source.read(CHUNK_BYTES)):
            data = more.lstrip(b"\0")
        if not data:
            return False
        if self._coding not in _HAVE_MEMBERS:
            raise self._damaged("has other data behind its end")
        self._decoder, self._unread = _DECODERS[self._coding](), data
        return True

    def _damaged(self, problem: str) -> StepError:
        return StepError(
            f"the body does not match its content-encoding: what should be {self._coding} {problem}",
            code="bad_response",
        )
