"""Charsets as browsers read them (WHATWG Encoding Standard): their labels, and a decoder that never fails.

`webencodings` knows the labels. Python's codecs differ from the standard in a few places, which are mended here: the
bytes 80 to 9F of Windows code pages, KOI8-U, GBK (which browsers read as GB18030), and the characters that vendors
added to EUC-JP. A label that the standard does not know, but Python does, is read by Python (`cp850`, `utf-32`).
"""

from __future__ import annotations

import codecs
import threading
from collections.abc import Callable
from functools import lru_cache

import webencodings

Decode = Callable[[bytes], str]

_LONGEST_LABEL = 40
# Codecs whose time grows with the square of the input, or that interpret escapes.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw-unicode-escape", "undefined", "utf-7"})
_BYTES = bytes(range(256))
#: Single bytes that Python reads otherwise, by the name of its codec.
_LETTERS = {"koi8-u": {0xAE: "ў", 0xBE: "Ў"}, "cp1255": {0xCA: "\u05ba"}}
#: What Python's EUC-JP reads as another character than browsers do.
_AS_IN_BROWSERS = str.maketrans("\u301c\u2016\u2212\xa2\xa3\xac", "\uff5e\u2225\uff0d\uffe0\uffe1\uffe2")
#: The second edition of GB 18030 moved these out of the private area.
_MOVED_IN_GB18030 = str.maketrans(
    "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796\ue7c7"
    "\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
    "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19\u1e3f"
    "\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
)
#: A handler in Python is called for each wrong byte: text with more of them is not worth the time.
_MOST_WRONG = 100_000


@lru_cache(maxsize=256)
def decoder_of(label: str) -> Decode | None:
    """Return the decoder of a charset's label, None for a label that nobody knows.

    The decoder never raises: what is not of the charset becomes U+FFFD. It does not look for a byte order mark.
    """
    if len(label) > _LONGEST_LABEL:
        return None
    encoding = webencodings.lookup(label)
    if encoding is None or encoding.name == "replacement":
        return _of_python(label)
    return _MENDED.get(encoding.name) or (
        _of_code_page(encoding.codec_info)
        if encoding.name.startswith(("windows-", "koi8-u"))
        else _replacing(encoding.codec_info)
    )


def _of_python(label: str) -> Decode | None:
    try:
        info = codecs.lookup(label.strip())
        if info.name in _NOT_CHARSETS:
            return None
        b"a".decode(info.name, "replace")  # raises LookupError for codecs that are not about text
    except (LookupError, ValueError):
        return None
    return _replacing(info)


def _replacing(info: codecs.CodecInfo) -> Decode:
    return lambda body: info.decode(body, "replace")[0]


def _of_code_page(info: codecs.CodecInfo) -> Decode:
    """Return the decoder of a charset with one byte a character; free places from 80 to 9F are control characters."""
    known = info.decode(_BYTES, "replace")[0]
    extra = _LETTERS.get(info.name, {})
    table = "".join(
        extra.get(byte) or (chr(byte) if letter == "\ufffd" and byte < 0xA0 else letter)
        for byte, letter in enumerate(known)
    )
    return lambda body: codecs.charmap_decode(body, "replace", table)[0]


class _Mender(threading.local):
    """How many more wrong bytes this thread may mend in the text that it decodes."""

    left = 0


def _mending(codec: str, mend: Callable[[bytes], tuple[str, int]]) -> Decode:
    """Return a decoder that asks `mend` for what the codec cannot read: the text, and how many bytes it stands for."""
    name, mender = f"steprunners-{codec}", _Mender()

    def handle(error: UnicodeError) -> tuple[str, int]:
        mender.left -= 1
        if mender.left < 0 or not isinstance(error, UnicodeDecodeError):
            raise error
        text, length = mend(error.object[error.start : error.start + 2])
        return text, error.start + length

    codecs.register_error(name, handle)

    def decode(body: bytes) -> str:
        mender.left = _MOST_WRONG
        try:
            return body.decode(codec, name)
        except UnicodeDecodeError:
            return body.decode(codec, "replace")

    return decode


def _of_vendors(pair: bytes) -> tuple[str, int]:
    """Read two bytes of EUC-JP that Python does not know by way of Shift_JIS, whose vendor characters it knows."""
    row, cell = (byte - 0xA1 for byte in pair) if len(pair) == 2 else (-1, -1)
    if not (0 <= row < 94 and 0 <= cell < 94):
        return "\ufffd", 1
    lead, trail = row // 2, cell + 94 * (row % 2)
    pair = bytes([lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)])
    return pair.decode("cp932", "replace")[:1], 2


_mended_gb18030 = _mending("gb18030", lambda wrong: ("€", 1) if wrong[:1] == b"\x80" else ("\ufffd", 1))
_mended_euc_jp = _mending("euc_jp", _of_vendors)


def _gb18030(body: bytes) -> str:
    return _mended_gb18030(body).translate(_MOVED_IN_GB18030)


def _euc_jp(body: bytes) -> str:
    return _mended_euc_jp(body).translate(_AS_IN_BROWSERS)


_MENDED: dict[str, Decode] = {
    "gbk": _gb18030,
    "gb18030": _gb18030,
    "euc-jp": _euc_jp,
}
