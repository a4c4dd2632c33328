"""Work of a step that was stopped is the step's error."""

from __future__ import annotations

import pytest

from steprunners.budgets.effort import NobodyWaits, TooManyAtOnce, TooMuchWork, spend_on
from steprunners.budgets.step_errors import as_step_work, with_step_errors
from steprunners.errors import Cancelled, StepError


def raising(error: Exception) -> None:
    raise error


def test_too_much_work_is_an_error_with_a_code_and_the_reason() -> None:
    with pytest.raises(StepError, match="need too much work: it takes long") as told:
        with_step_errors(raising)(TooMuchWork("it takes long"))
    assert told.value.code == "too_much_work"


def test_work_that_nobody_waits_for_is_cancelled() -> None:
    with pytest.raises(Cancelled):
        with_step_errors(raising)(NobodyWaits("gone"))


@pytest.mark.parametrize("error", [TooManyAtOnce("busy"), StepError("other", code="x"), ValueError("a bug")])
def test_other_errors_are_left_alone(error: Exception) -> None:
    with pytest.raises(type(error)) as told:
        as_step_work(raising)(error)
    assert told.value is error


def test_what_is_done_counts_as_one_piece_of_work() -> None:
    def compile_much() -> None:
        for number in range(3):
            spend_on(f"expression {number}", 900_000)

    compile_much()  # outside of a piece of work nothing is counted
    with pytest.raises(StepError, match="instructions"):
        as_step_work(compile_much)()


def test_results_and_arguments_go_through() -> None:
    assert as_step_work(lambda a, *, b: (a, b))(1, b=2) == (1, 2)
