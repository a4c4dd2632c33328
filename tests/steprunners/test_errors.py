"""Step errors: every class has its own code."""

from __future__ import annotations

from steprunners.errors import BadConfig, StepError


def test_an_error_has_the_code_of_its_kind_unless_told_otherwise() -> None:
    assert (BadConfig("no").code, BadConfig("no").message, str(BadConfig("no"))) == ("bad_config", "no", "no")
    assert StepError("no", code="response_too_large").code == "response_too_large"
    assert StepError("no", result={"status": 500}).result == {"status": 500}


def test_every_kind_of_error_has_a_code_of_its_own() -> None:
    kinds: list[type[StepError]] = [StepError, *StepError.__subclasses__()]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes)
