"""Tests of `telemetry.logs` and `telemetry.log_context`."""

from __future__ import annotations

import io
import json
import logging
from contextvars import copy_context
from typing import Any

import pytest

from telemetry import log_context
from telemetry.logs import UNTOLD, JsonFormatter, LineFormatter


class Log:
    """A logger that writes with one formatter; `text` is what it wrote."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.stream = io.StringIO()
        self.logger = logging.Logger("tests.log")
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(formatter)
        self.logger.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def as_json() -> Log:
    """A log of JSON."""
    return Log(JsonFormatter())


@pytest.fixture
def as_lines() -> Log:
    """A log for people."""
    return Log(LineFormatter())


def fail(log: Log, secret: str) -> None:
    try:
        raise ValueError(f"cannot connect to redis://:{secret}@host")
    except ValueError:
        log.logger.exception("it failed with %s", secret)


def test_a_line_is_an_object_with_its_facts(as_json: Log) -> None:
    with log_context.bound(executionId=7, organisationId="acme"), log_context.bound(step="first"):
        as_json.logger.warning("a %s\nof lines", "pair", extra={"facts": {"status": 200}})
    as_json.logger.info("after")
    first, second = as_json.lines()
    assert first["message"] == "a pair\nof lines"
    assert (first["level"], first["logger"], first["status"]) == ("WARNING", "tests.log", 200)
    assert (first["executionId"], first["organisationId"], first["step"]) == ("7", "acme", "first")
    assert first["time"].endswith("Z")
    assert "executionId" not in second


def test_people_see_the_facts_at_the_end(as_lines: Log) -> None:
    with log_context.bound(step="first"):
        as_lines.logger.warning("hello")
    as_lines.logger.warning("bye")
    first, second = as_lines.text.splitlines()
    assert first.endswith("WARNING tests.log hello [step=first]")
    assert second.endswith("bye")


@pytest.mark.parametrize("formatter", [JsonFormatter, LineFormatter])
def test_secrets_are_masked_also_in_stack_traces(formatter: type[logging.Formatter]) -> None:
    log = Log(formatter())
    with log_context.bound(step="first"):
        log_context.hide(lambda text: text.replace("hunter22", "••••••"))
        fail(log, "hunter22")
    assert "hunter22" not in log.text
    assert log.text.count("••••••") >= 2
    assert "Traceback" in log.text


@pytest.mark.parametrize("formatter", [JsonFormatter, LineFormatter])
def test_a_mask_that_fails_lets_nothing_through(formatter: type[logging.Formatter]) -> None:
    def broken(_text: str) -> str:
        raise RuntimeError

    log = Log(formatter())
    with log_context.bound():
        log_context.hide(broken)
        fail(log, "hunter22")
    assert "hunter22" not in log.text
    assert UNTOLD in log.text


@pytest.mark.parametrize("formatter", [JsonFormatter, LineFormatter])
def test_what_others_wrote_is_no_line_of_its_own(formatter: type[logging.Formatter]) -> None:
    log = Log(formatter())
    written = "x\r\n2026-11-22 20:00:00,000 ERROR accounts all is lost\x1b[2J\x9b2J\x85\u2028end"
    log.logger.warning("no such user: %s", written)
    log.logger.warning("tab\tand ünïcode stay")
    *first, last = log.text.splitlines()
    assert all(line.startswith("    ") for line in first[1:])
    assert not set("\r\x1b\x9b\x85\u2028") & set(log.text)
    if formatter is JsonFormatter:
        assert [json.loads(each)["message"] for each in (*first, last)] == [
            f"no such user: {written}", "tab\tand ünïcode stay"
        ]  # fmt: skip
    else:
        assert last.endswith("tab\tand ünïcode stay")


def test_what_is_learned_inside_is_known_until_the_block_ends(as_json: Log) -> None:
    with log_context.bound(requestId="r"):
        # As asgiref does: the view runs in a copy of the context, and the middleware logs outside of it.
        copy_context().run(log_context.add, executionId="e")
        as_json.logger.warning("inside")
    log_context.add(executionId="nobody's")
    as_json.logger.warning("outside")
    inside, outside = as_json.lines()
    assert (inside["requestId"], inside["executionId"]) == ("r", "e")
    assert "executionId" not in outside


def test_inner_blocks_keep_the_mask_and_lose_their_facts() -> None:
    with log_context.bound(a=1):
        log_context.hide(str.upper)
        with log_context.bound(b=2):
            assert log_context.current().values == {"a": "1", "b": "2"}
            assert log_context.current().mask is str.upper
        assert log_context.current().values == {"a": "1"}
