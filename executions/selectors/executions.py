"""Queries for showing executions: which columns to load, and which to leave in the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Case, F, Func, IntegerField, QuerySet, When

from accounts.models import AnyUser, User
from executions.models import Execution, ExecutionStep
from executions.presentation import LARGEST_RESPONSE
from resources.fields import JSONTextField
from resources.models import Environment

# Never shown; secrets would also be decrypted row by row.
HIDDEN_OF_EXECUTION = ("draft", "secrets", "resource_choices", "pins", "positions")
HIDDEN_OF_STEP = ("definition", "needs", "release", "state", "response", "whole_response", "secret_extracts")
SNAPSHOT_TRIES = 3


class TextLength(Func):
    """The number of characters of an ASCII column, which PostgreSQL knows without unpacking the value."""

    function = "OCTET_LENGTH"
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Use LENGTH on SQLite, which has OCTET_LENGTH only from 3.43 on."""
        return super().as_sql(compiler, connection, function="LENGTH", **context)


def environment_of(execution: Execution) -> Environment | None:
    """Return the environment of the execution; None if it has none, or if it was deleted since."""
    pk = execution.environment_id
    return None if pk is None else Environment.objects.filter(pk=pk).first()


def user_of(execution: Execution) -> User | None:
    """Return the user of the execution; None if it has none, or if the account was deleted since."""
    pk = execution.user_id
    return None if pk is None else User.objects.filter(pk=pk).first()


def executions_to_show(user: AnyUser) -> QuerySet[Execution]:
    """Return the executions that the user may see, without the columns that are never shown."""
    return Execution.objects.visible_to(user).defer(*HIDDEN_OF_EXECUTION)


def steps_to_show(execution_id: UUID) -> QuerySet[ExecutionStep]:
    """Return an execution's steps by position, for `step_json`; large responses stay in the database.

    The rows have `response_length` and `shown_response` (None where it is above LARGEST_RESPONSE).
    """
    return (
        ExecutionStep.objects.filter(execution=execution_id)
        .defer(*HIDDEN_OF_STEP)
        .annotate(
            response_length=TextLength("response"),
            shown_response=Case(
                When(response_length__lte=LARGEST_RESPONSE, then=F("response")), output_field=JSONTextField()
            ),
        )
        .order_by("position")
    )


def snapshot(execution: Execution) -> tuple[Execution, list[ExecutionStep]] | None:
    """Return the execution and its steps as of one `sequence`; None if it was deleted.

    The steps are read again while the execution changes. If it changes all the time, the steps may be newer than the
    sequence: the updates that follow set them again, so the client has the right state in the end.
    """
    for tries_left in reversed(range(SNAPSHOT_TRIES)):
        steps = list(steps_to_show(execution.pk))
        now = Execution.objects.defer(*HIDDEN_OF_EXECUTION).filter(pk=execution.pk).first()
        if now is None:
            return None
        if now.sequence == execution.sequence or not tries_left:
            break
        execution = now
    return execution, steps
