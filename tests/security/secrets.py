"""Twenty secrets, each with something that an encoding changes; their letters are drawn anew for every test run."""

from __future__ import annotations

import base64
import json
import random
import string
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from steprunners.json_types import Json
from steprunners.masking.masker import texts_of

_RANDOM = random.SystemRandom()
_LETTERS = string.ascii_letters + string.digits
_LONG = 100


@dataclass(frozen=True, eq=False)
class Canary:
    """A secret with a name; its value can be any JSON."""

    name: str
    value: Json

    @property
    def texts(self) -> list[str]:
        """The texts that have to be masked."""
        return texts_of(self.value)

    @property
    def written(self) -> str:
        """The secret as one text, as a system under test would repeat it."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, ensure_ascii=False)

    @property
    def is_word(self) -> bool:
        """Whether it can stand in a header as it is: on one line, without blanks at its ends."""
        return isinstance(self.value, str) and self.value.isprintable() and self.value == self.value.strip()

    def fragments(self) -> set[str]:
        """Return pieces of it, so many that none of its longer parts can be seen without one of them."""
        return {piece for text in self.texts for piece in _pieces(text)}

    def __str__(self) -> str:
        return self.name


def _pieces(text: str) -> set[str]:
    # Eight digits could be a part of some number that is no secret.
    length = 12 if len(text) > _LONG else 10 if text.isdigit() else 8
    stride = length if len(text) > _LONG else 1
    if text.startswith("-----"):  # what every key begins and ends with is no secret
        lines = [line for line in text.splitlines() if line and not line.startswith("-----")]
        return {line[at : at + length] for line in lines for at in range(0, len(line) - length + 1, stride)}
    return {text[at : at + length] for at in range(0, max(1, len(text) - length + 1), stride)}


def word(length: int = 16) -> str:
    """Return random letters and digits, which hardly any encoding touches."""
    return "".join(_RANDOM.choice(_LETTERS) for _ in range(length))


def digits(length: int) -> str:
    """Return random digits, none of them 0 at the start."""
    return _RANDOM.choice("23456789") + "".join(_RANDOM.choice(string.digits) for _ in range(length - 1))


def jwt() -> str:
    """Return a token as an identity provider gives it."""
    parts = ({"kid": word()}, {"sub": word(), "scope": word(24), "aud": word(24)})
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    # Every such token begins alike, so what comes before the first random letter is left out.
    return f"{head[12:]}.{body[12:]}.{word(43)}"


def pem() -> str:
    """Return a private key of many lines."""
    lines = [word(64) for _ in range(8)] + [f"{word(30)}+/{word(5)}=="]
    return "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----", ""])


_INNER = word(12)

_MAKERS: dict[str, Callable[[], Json]] = {
    "word": lambda: word(32),
    "six": lambda: f"{word(3)}~{word(1)}!",
    "quotes": lambda: f"""{word(9)}"{word(9)}'{word(5)}`{word(4)}""",
    "backslashes": lambda: f"{word(9)}\\{word(9)}\\\\n{word(9)}\\u0041{word(4)}",
    "lines": lambda: f"{word(9)}\n{word(9)}\r\n{word(9)}\t{word(9)}",
    "markup": lambda: f"{word(9)}&{word(9)}<{word(9)}>{word(4)}&amp;{word(9)}",
    "blanks": lambda: f"{word(9)} {word(9)}  {word(9)}",
    "base64": lambda: base64.b64encode(b"\xfb\xef\xff" + _RANDOM.randbytes(30) + b"\xff").decode(),
    "percent": lambda: f"{word(9)}%41{word(9)}%c3%zz{word(4)}%-{word(9)}",
    "emoji": lambda: f"{word(9)}😀{word(9)}👩‍🚀{word(5)}",
    "composed": lambda: unicodedata.normalize("NFC", f"{word(9)}é{word(9)}ñÅ{word(4)}"),
    "decomposed": lambda: unicodedata.normalize("NFD", f"{word(9)}é{word(9)}ñÅ{word(4)}"),
    "umlauts": lambda: f"{word(9)}ü{word(9)}ßÄ{word(4)}€„{word(9)}",
    "cyrillic": lambda: f"{word(9)}пароль{word(9)}密码{word(4)}",
    "pem": pem,
    "jwt": jwt,
    "long": lambda: word(5_000),
    "number": lambda: int(digits(15)),
    "object": lambda: {"user": word(12), "key": {"at": [f"{word(9)}/{word(9)}", word(12)]}},
    "list": lambda: [word(12), f"{word(9)}/{word(9)}"],
    "inner": lambda: _INNER,
    "outer": lambda: f"{word(9)}-{_INNER}-{word(9)}",
}

CANARIES: dict[str, Canary] = {name: Canary(name, make()) for name, make in _MAKERS.items()}
