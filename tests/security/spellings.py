"""The ways in which a secret can come back from a system under test: each makes a text of a text."""

from __future__ import annotations

import base64
import html
import html.entities
import json
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, quote_plus

import re2

Write = Callable[[str], str]

_WIDE = 76


def as_is(text: str) -> str:
    """Leave it alone."""
    return text


# --- JSON -----------------------------------------------------------------------------------------


def json_escaped(text: str) -> str:
    """JSON with letters beyond ASCII as they are."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def json_ascii(text: str) -> str:
    r"""JSON in ASCII alone: `\u00e9`."""
    return json.dumps(text)[1:-1]


def json_twice(text: str) -> str:
    """JSON inside JSON."""
    return json_escaped(json_escaped(text))


def json_every_character(text: str) -> str:
    r"""Every character as `\u0041`."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))


def every_character_twice(text: str) -> str:
    r"""The same inside JSON: `\\u0041`."""
    return json_escaped(json_every_character(text))


def json_with_slashes(text: str) -> str:
    r"""JSON as PHP writes it: `\/`, and `\u` for what is not ASCII."""
    return json_ascii(text).replace("/", "\\/")


# --- URL and HTML ---------------------------------------------------------------------------------


def url(text: str) -> str:
    """Percent-encoded."""
    return quote(text, safe="")


def url_in_small_letters(text: str) -> str:
    """Percent-encoded with small hexadecimal digits, as Java and browsers of old do."""
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url(text))


def url_path(text: str) -> str:
    """Percent-encoded, slashes left alone."""
    return quote(text)


def url_form(text: str) -> str:
    """As a form is sent: spaces are plus signs."""
    return quote_plus(text)


def url_every_byte(text: str) -> str:
    """Every byte percent-encoded."""
    return "".join(f"%{byte:02X}" for byte in text.encode())


def url_twice(text: str) -> str:
    """Percent-encoded twice."""
    return url(url(text))


def html_named(text: str) -> str:
    """HTML with named entities."""
    names = html.entities.codepoint2name
    return "".join(f"&{names[ord(each)]};" if ord(each) in names else each for each in text)


def html_decimal(text: str) -> str:
    """HTML with `&#39;` for all that is no letter or digit of ASCII."""
    return "".join(each if _is_plain(each) else f"&#{ord(each)};" for each in text)


def html_hexadecimal(text: str) -> str:
    """HTML with `&#x27;` for all that is no letter or digit of ASCII."""
    return "".join(each if _is_plain(each) else f"&#x{ord(each):X};" for each in text)


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()


# --- base64 ---------------------------------------------------------------------------------------


def base64_standard(text: str) -> str:
    """Base64."""
    return base64.b64encode(text.encode()).decode()


def base64_for_urls(text: str) -> str:
    """Base64 with `-` and `_`."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def base64_without_padding(text: str) -> str:
    """Base64 without the signs at its end."""
    return base64_standard(text).rstrip("=")


def _inside(before: str) -> Write:
    return lambda text: base64_standard(f"{before}{text}, and so on")


def base64_of_credentials(text: str) -> str:
    """As HTTP's basic authentication sends it."""
    return base64_standard(f"user:{text}")


def base64_of_json(text: str) -> str:
    """Base64 of a JSON document that holds it."""
    return base64_standard(json.dumps({"password": text}))


def _in_lines(width: int, end: str, before: str) -> Write:
    def write(text: str) -> str:
        whole = base64_standard(f"{before}{text}{before}")
        return end.join(whole[at : at + width] for at in range(0, len(whole), width))

    return write


# --- bytes ----------------------------------------------------------------------------------------


def hex_in_small_letters(text: str) -> str:
    """Hexadecimal digits."""
    return text.encode().hex()


def hex_in_capitals(text: str) -> str:
    """Hexadecimal digits in capitals."""
    return text.encode().hex().upper()


def hex_with_colons(text: str) -> str:
    """Bytes as a certificate's fingerprint is shown."""
    return text.encode().hex(":")


def hex_with_blanks(text: str) -> str:
    """Bytes as a dump shows them."""
    return text.encode().hex(" ").upper()


def as_latin1(text: str) -> str:
    """UTF-8 that was read as Latin-1, as HTTP libraries read headers."""
    return text.encode().decode("latin-1")


def as_cp1252(text: str) -> str:
    """UTF-8 that was read as Windows-1252."""
    return "".join(_cp1252(byte) for byte in text.encode())


def _cp1252(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)  # what browsers make of the five bytes that have no letter


# --- what expressions quote it for ---


def regex_escaped(text: str) -> str:
    """As a reference inside of an RE2 expression is quoted."""
    return str(re2.escape(text))


def regex_escaped_in_json(text: str) -> str:
    """The same inside JSON."""
    return json_escaped(regex_escaped(text))


def in_single_quotes(text: str) -> str:
    """As JSONPath, SQL and shells of old quote it: backslashes and single quotes escaped."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


# --- letters --------------------------------------------------------------------------------------


def in_small_letters(text: str) -> str:
    """In small letters, as a host's name comes back."""
    return text.lower()


def in_a_longer_word(text: str) -> str:
    """With letters on both sides."""
    return f"xx{text}yy"


def twice_in_a_row(text: str) -> str:
    """Twice, with nothing in between."""
    return text + text


def python_text(text: str) -> str:
    """As Python shows a text in an error."""
    return repr(text)


def python_bytes(text: str) -> str:
    """As Python shows bytes in an error."""
    return repr(text.encode())


def python_ascii(text: str) -> str:
    r"""As Python shows a text in ASCII alone: `\xe9`."""
    return ascii(text)


SPELLINGS: dict[str, Write] = {
    **{each.__name__: each for each in (
        as_is, json_escaped, json_ascii, json_twice, json_every_character, json_with_slashes,
        url, url_in_small_letters, url_path, url_form, url_every_byte, url_twice,
        html_named, html_decimal, html_hexadecimal,
        base64_standard, base64_for_urls, base64_without_padding, base64_of_credentials, base64_of_json,
    )},
    "base64_inside_at_0": _inside("abc"),
    "base64_inside_at_1": _inside("a"),
    "base64_inside_at_2": _inside("ab"),
    **{f"base64_lines_of_76_{name}": _in_lines(_WIDE, "\r\n", before)
       for name, before in {"at_0": "a" * 48, "at_1": "a" * 49, "at_2": "a" * 50}.items()},
    "base64_lines_of_76_unix": _in_lines(_WIDE, "\n", "a" * 51),
    "base64_lines_of_64": _in_lines(64, "\n", "a" * 43),
    **{each.__name__: each for each in (
        hex_in_small_letters, hex_in_capitals, hex_with_colons, hex_with_blanks, as_latin1, as_cp1252,
        regex_escaped, in_single_quotes, in_small_letters, in_a_longer_word, twice_in_a_row,
        python_text, python_bytes, python_ascii,
    )},
}  # fmt: skip


# --- what is seen of a piece ----------------------------------------------------------------------

_LETTER_BY_LETTER: tuple[Write, ...] = (
    as_is, json_escaped, json_ascii, json_twice, json_every_character, every_character_twice, json_with_slashes,
    url, url_in_small_letters, url_path, url_form, url_every_byte, url_twice,
    html_named, html_decimal, html_hexadecimal, html.escape,
    hex_in_small_letters, hex_in_capitals, hex_with_colons, hex_with_blanks, as_latin1, as_cp1252, in_small_letters,
    regex_escaped, regex_escaped_in_json, in_single_quotes,
)  # fmt: skip
_LINE_ENDS = ("\n", "\r\n", "\\n", "\\r\\n")
_BEFORE_BASE64: tuple[Write, ...] = (as_is, json_escaped, json_ascii, url, url_form)


def seen_of(piece: str, *, broken: bool = False) -> Iterable[tuple[str, str]]:
    """Yield (how, text) for what a longer text holds where a piece of a secret is in it, in each spelling.

    `broken` is for short secrets: where a line of base64 ends within such a one, there is no whole piece of it.
    """
    for write in _LETTER_BY_LETTER:
        yield write.__name__, write(piece)
    for write in (python_text, python_bytes, python_ascii):
        yield write.__name__, write(piece).removeprefix("b")[1:-1]
    for before in _BEFORE_BASE64:
        raw = before(piece).encode()
        for shift in range(3):
            encoded = base64.b64encode(b"\0" * shift + raw).decode()
            # The characters at both ends hold bits of what stands beside it, too.
            stable = encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
            yield f"base64 of {before.__name__}", stable
            yield f"base64 of {before.__name__}", stable.replace("+", "-").replace("/", "_")
            for end in _LINE_ENDS if broken else ():
                for at in range(1, len(stable)):
                    yield "base64 on two lines", stable[:at] + end + stable[at:]
