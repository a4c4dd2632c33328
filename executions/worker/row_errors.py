"""Handles rows one by one, so that an error with one of them does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, InterfaceError

from accounts.transactions import is_conflict
from executions.models import Execution, ExecutionStep
from telemetry.log_context import bound

logger = logging.getLogger(__name__)

RowT = TypeVar("RowT", Execution, ExecutionStep)


def handle_row(handle: Callable[[RowT], None], row: RowT) -> None:
    """Call `handle` with the row. An error is logged, and the row left until a sweeper reads it again.

    Raises DatabaseError or InterfaceError where the database is away: then no other row can be handled either.
    """
    try:
        with bound(executionId=row.pk if isinstance(row, Execution) else row.execution_id):
            handle(row)
    except (DatabaseError, InterfaceError) as error:
        if not is_conflict(error):
            raise
        logger.warning("%s %s is locked, and is tried again later", type(row).__name__, row.pk)
    except ObjectDoesNotExist as error:  # somebody deleted it meanwhile
        logger.info("%s %s: %s", type(row).__name__, row.pk, error)
    except Exception:
        logger.exception("%s %s could not be handled, and is tried again later", type(row).__name__, row.pk)
