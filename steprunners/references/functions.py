"""The functions of references: `${uuid()}`, `${base64(token)}` … They are in a table; no code is ever evaluated."""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import re
import secrets
import string
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, localcontext
from urllib.parse import quote

from steprunners.json_types import Json
from steprunners.references.errors import BadArgument, ReferenceSyntaxError, UnsafeValue
from steprunners.values.json_text import exact_decimal, exact_float
from steprunners.values.sent_text import json_of
from steprunners.values.suggestions import did_you_mean

MAX_RANDOM_STRING = 10_000
MAX_TIME_FORMAT = 100
MAX_INTEGER_BITS = 4_096
#: The most digits of a sum, and the length up to which its zeros are written out.
MAX_DIGITS, MAX_ZEROS = 20_000, 21
_ALPHABET = string.ascii_letters + string.digits
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}\Z")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,4})?\Z")


def text_of(value: Json) -> str:
    """Return the value as it is written inside a longer text: text unchanged, other values as JSON (`json_of`).

    Raises UnsafeValue for a value that no text can hold (nested too deeply, or an integer of thousands of digits).
    """
    if isinstance(value, str):
        return value
    try:
        return json_of(value)
    except ValueError as error:
        raise UnsafeValue("the value is too deep or too large to be written as text") from error


def _bytes_of(value: Json) -> bytes:
    try:
        return text_of(value).encode()
    except UnicodeEncodeError as error:
        raise BadArgument(
            "the text contains half a character (a lone surrogate), which UTF-8 cannot hold"
        ) from error


def _integer(value: Json) -> int:
    if isinstance(value, str) and _INTEGER.match(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > MAX_INTEGER_BITS:
        raise BadArgument(f"needs an integer, not {_kind(value)}")
    return value


def _number(value: Json) -> int | Decimal:
    if isinstance(value, str):
        return _number_in(value.strip())
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise BadArgument(f"needs numbers, not {_kind(value)}")
    return exact_decimal(value) if isinstance(value, float) else _integer(value)


def _number_in(text: str) -> int | Decimal:
    if _INTEGER.match(text):
        return _integer(text)
    if not _DECIMAL.match(text):
        raise BadArgument("needs numbers, not text")
    return Decimal(text)


def _kind(value: Json) -> str:
    names = {
        bool: "a boolean",
        str: "text",
        list: "a list",
        dict: "an object",
        float: "a decimal",
        int: "a number that large",
    }
    return next((name for kind, name in names.items() if isinstance(value, kind)), "null")


def _uuid() -> str:
    return str(uuid.uuid4())


def _now(pattern: Json = None) -> str:
    moment = datetime.now(UTC)
    if pattern is None:
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if not isinstance(pattern, str) or len(pattern) > MAX_TIME_FORMAT:
        raise BadArgument(f"needs a time format such as '%Y-%m-%d' of at most {MAX_TIME_FORMAT} characters")
    try:
        pattern.encode()  # Python 3.14 no longer refuses half a character (a lone surrogate)
        return moment.strftime(pattern)
    except (ValueError, UnicodeError) as error:
        raise BadArgument("the time format cannot be used") from error


def _timestamp() -> int:
    return int(datetime.now(UTC).timestamp())


def _timestamp_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def _random_int(low: Json, high: Json) -> int:
    first, last = _integer(low), _integer(high)
    if first > last:
        raise BadArgument("the first number is above the second")
    return first + secrets.randbelow(last - first + 1)


def _random_string(length: Json) -> str:
    count = _integer(length)
    if not 0 <= count <= MAX_RANDOM_STRING:
        raise BadArgument(f"the length must be from 0 to {MAX_RANDOM_STRING}")
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))


def _base64(value: Json) -> str:
    return base64.b64encode(_bytes_of(value)).decode()


def _base64_decode(value: Json) -> str:
    text = text_of(value).strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode()
    except ValueError as error:
        raise BadArgument("the text is not base64 of UTF-8 text") from error


def _url_encode(value: Json) -> str:
    return quote(_bytes_of(value), safe="")


def _json(value: Json) -> str:
    try:
        return json_of(value)
    except ValueError as error:
        raise BadArgument("the value cannot be written as JSON") from error


def _sha256(value: Json) -> str:
    return hashlib.sha256(_bytes_of(value)).hexdigest()


def _hmac_sha256(key: Json, value: Json) -> str:
    return hmac.new(_bytes_of(key), _bytes_of(value), hashlib.sha256).hexdigest()


def _upper(value: Json) -> str:
    return text_of(value).upper()


def _lower(value: Json) -> str:
    return text_of(value).lower()


def _length(value: Json) -> int:
    if not isinstance(value, (str, list, dict)):
        raise BadArgument(f"needs text, a list or an object, not {_kind(value)}")
    return len(value)


def _add(left: Json, right: Json) -> int | float:
    first, second = _number(left), _number(right)
    if isinstance(first, int) and isinstance(second, int):
        return first + second
    return _as_json(_sum(Decimal(first), Decimal(second)))


def _sum(first: Decimal, second: Decimal) -> Decimal:
    exponents = [int(number.as_tuple().exponent) for number in (first, second) if number.is_finite()]
    digits = max(first.adjusted(), second.adjusted()) - min(exponents, default=0) + 2
    if len(exponents) < 2 or digits > MAX_DIGITS:
        raise BadArgument(f"the sum would have more than {MAX_DIGITS} digits")
    with localcontext(prec=digits):
        return (first + second).normalize()


def _as_json(number: Decimal) -> int | float:
    """Return the shortest JSON number that is exactly this one; raise BadArgument beyond a double."""
    if not math.isfinite(float(number)):
        raise BadArgument("the sum is not a finite number")
    text = str(number).lower()
    if number == number.to_integral_value() and ("e" not in text or number.adjusted() < MAX_ZEROS):
        return int(number)
    return exact_float(text)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of references: how many arguments it takes, and whether its result reveals a secret argument."""

    call: Callable[..., Json]
    usage: str
    least: int
    most: int
    reveals: bool = True


FUNCTIONS: dict[str, Function] = {
    "uuid": Function(_uuid, "uuid()", 0, 0),
    "now": Function(_now, "now() or now('%Y-%m-%d')", 0, 1),
    "timestamp": Function(_timestamp, "timestamp()", 0, 0),
    "timestampMs": Function(_timestamp_ms, "timestampMs()", 0, 0),
    "randomInt": Function(_random_int, "randomInt(1, 9)", 2, 2),
    "randomString": Function(_random_string, "randomString(8)", 1, 1),
    "base64": Function(_base64, "base64(x)", 1, 1),
    "base64Decode": Function(_base64_decode, "base64Decode(x)", 1, 1),
    "urlEncode": Function(_url_encode, "urlEncode(x)", 1, 1),
    "json": Function(_json, "json(x)", 1, 1),
    "sha256": Function(_sha256, "sha256(x)", 1, 1),
    "hmacSha256": Function(_hmac_sha256, "hmacSha256(key, x)", 2, 2),
    "upper": Function(_upper, "upper(x)", 1, 1),
    "lower": Function(_lower, "lower(x)", 1, 1),
    "length": Function(_length, "length(x)", 1, 1, reveals=False),
    "add": Function(_add, "add(a, b)", 2, 2),
}


def check_call(name: str, argument_count: int) -> None:
    """Raise ReferenceSyntaxError where there is no such function, or it takes another number of arguments."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise ReferenceSyntaxError(f"there is no function {name}(){did_you_mean(name, FUNCTIONS)}")
    if not function.least <= argument_count <= function.most:
        raise ReferenceSyntaxError(f"{name}() has {argument_count} arguments; write {function.usage}")


def call(name: str, arguments: Sequence[Json]) -> Json:
    """Return the result of the function; raise BadArgument, naming the function, where the arguments are wrong."""
    try:
        return FUNCTIONS[name].call(*arguments)
    except (BadArgument, UnsafeValue) as problem:
        raise BadArgument(f"{name}(): {problem.message}") from problem
