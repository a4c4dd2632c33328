"""What every step type builds on: grammars by place, secret fields, errors, the deadline, cancelling."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from steprunners.base import (
    BadConfig,
    Cancellation,
    Cancelled,
    ConnectionConfig,
    Deadline,
    DeadlineExceeded,
    Secret,
    StepConfig,
    StepError,
)
from steprunners.references.resolution import Grammar

PATIENCE = 30  # seconds


class Search(StepConfig):
    grammars: ClassVar[dict[str, Grammar]] = {"url": Grammar.URL, "parts.*.query": Grammar.LABEL}
    base_path: str = ""


class Shop(ConnectionConfig):
    host: str
    api_key: Secret
    client_key: Secret | None = None

    def check(self, network: Any, deadline: Any) -> str:
        return self.host


@pytest.mark.parametrize(
    ("path", "grammar"),
    [
        (("url",), Grammar.URL),
        (("parts", 0, "query"), Grammar.LABEL),
        (("parts", "named", "query"), Grammar.LABEL),
        ((), Grammar.PLAIN),
        (("URL",), Grammar.PLAIN),
        (("url", 0), Grammar.PLAIN),
        (("parts", 0), Grammar.PLAIN),
        (("parts", 0, "query", "deeper"), Grammar.PLAIN),
    ],
)
def test_a_grammar_is_found_by_its_place(path: tuple[str | int, ...], grammar: Grammar) -> None:
    assert Search.grammar_of(path, {}) is grammar


def test_a_config_is_camel_case_on_the_wire_and_refuses_what_it_does_not_know() -> None:
    assert Search.model_validate({"basePath": "/a"}) == Search(base_path="/a")
    with pytest.raises(ValidationError, match="basepath"):
        Search.model_validate({"basepath": "/a"})


def test_secret_fields_are_named_as_on_the_wire_optional_ones_too() -> None:
    assert Shop.secret_fields() == {"apiKey", "clientKey"}


def test_an_error_has_the_code_of_its_kind_unless_told_otherwise() -> None:
    assert (BadConfig("no").code, BadConfig("no").message, str(BadConfig("no"))) == ("bad_config", "no", "no")
    assert StepError("no", code="response_too_large").code == "response_too_large"
    assert StepError("no", result={"status": 500}).result == {"status": 500}


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    kinds: list[type[StepError]] = [StepError, *StepError.__subclasses__()]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)


class TestDeadline:
    @given(st.floats(-1e6, 0))
    def test_that_is_over_leaves_nothing(self, seconds: float) -> None:
        assert Deadline(seconds).remaining() == 0.0
        with pytest.raises(DeadlineExceeded):
            Deadline(seconds).check()

    @given(st.floats(3_600, 1e6))
    def test_that_is_to_come_leaves_no_more_than_it_gave(self, seconds: float) -> None:
        deadline = Deadline(seconds)
        deadline.check()
        assert seconds - 3_000 < deadline.remaining() <= seconds

    def test_it_says_how_long_it_was(self) -> None:
        deadline = Deadline(1.5)
        deadline.at = 0
        with pytest.raises(DeadlineExceeded, match="not finished within 1500 ms"):
            deadline.check()


class TestCancellation:
    def test_it_ends_what_is_open_once_and_nothing_that_was_closed(self) -> None:
        cancellation, ended = Cancellation(), list[str]()
        with cancellation.closing(lambda: ended.append("outer")):
            with cancellation.closing(lambda: ended.append("closed before")):
                pass
            with cancellation.closing(lambda: ended.append("inner")):
                cancellation.cancel()
        assert ended == ["outer", "inner"]

    def test_it_ends_at_once_what_is_opened_later(self) -> None:
        cancellation, ended = Cancellation(), list[str]()
        cancellation.cancel()
        with cancellation.closing(lambda: ended.append("late")):
            assert ended == ["late"]
        with pytest.raises(Cancelled):
            cancellation.check()

    def test_one_that_cannot_be_closed_does_not_keep_the_others_open(self) -> None:
        cancellation, ended = Cancellation(), list[str]()

        def broken() -> None:
            raise OSError("closed already")

        with cancellation.closing(broken), cancellation.closing(lambda: ended.append("second")):
            cancellation.cancel()
        assert ended == ["second"]

    def test_a_sleeper_wakes_up(self) -> None:
        cancellation, woken = Cancellation(), list[bool]()
        sleeper = threading.Thread(target=lambda: woken.append(cancellation.wait(10 * PATIENCE)))
        sleeper.start()
        cancellation.cancel()
        sleeper.join(PATIENCE)
        assert woken == [True]

    def test_nothing_happens_before(self) -> None:
        cancellation = Cancellation()
        cancellation.check()
        assert not cancellation.is_cancelled
        assert not cancellation.wait(0)
