"""`expectedStatus`: a number, a class such as "2xx", or a list of these."""

from __future__ import annotations

import re
from functools import cache

from steprunners.assertions.evaluation import Assertion

StatusRule = int | str
ExpectedStatus = StatusRule | list[StatusRule]

_CLASS = re.compile(r"[1-5][xX]{2}\Z")
_NUMBER = re.compile(r"[1-5][0-9]{2}\Z")

#: The paths with which an assertion reads the status.
STATUS_FIELDS = frozenset(
    {"status", "response.status", "$.status", "$['status']", '$["status"]', "['status']"}
)


def check_expected_status(value: ExpectedStatus) -> ExpectedStatus:
    """Return the value; raise ValueError where a part of it is neither a status nor a class such as 2xx."""
    for rule in _rules(value):
        if not (_CLASS.match(str(rule)) or _NUMBER.match(str(rule))):
            raise ValueError(f"{rule} is neither a status (100 to 599) nor a class such as 2xx")
    if value == []:
        raise ValueError("expectedStatus must not be an empty list")
    return value


def status_assertion(value: ExpectedStatus) -> Assertion:
    """Return the assertion that a status is one of those expected."""
    rules = _rules(value)
    ranges = [_range(str(rule)) for rule in rules]
    if len(ranges) == 1:
        low, high = ranges[0]
        return _equals(low) if low == high else _between(low, high)
    return Assertion(
        field="status",
        operator="in",
        expected_value=sorted({n for low, high in ranges for n in range(low, high + 1)}),
    )


@cache
def default_status_assertion() -> Assertion:
    """Return the assertion for steps that do not mention the status: 2xx or 3xx. It is always the same object."""
    return _between(200, 399)


def _rules(value: ExpectedStatus) -> list[StatusRule]:
    return value if isinstance(value, list) else [value]


def _range(rule: str) -> tuple[int, int]:
    if _CLASS.match(rule):
        return int(rule[0]) * 100, int(rule[0]) * 100 + 99
    return int(rule), int(rule)


def _equals(status: int) -> Assertion:
    return Assertion(field="status", operator="equals", expected_value=status)


def _between(low: int, high: int) -> Assertion:
    return Assertion(field="status", operator="between", expected_value=[low, high])
