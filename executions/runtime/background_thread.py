"""A thread of a worker process that looks at the database again and again, whatever goes wrong with one look."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, InterfaceError, connection

from accounts.transactions import is_conflict
from executions.models import Execution, ExecutionStep
from telemetry.log_context import bound

logger = logging.getLogger(__name__)

#: How long a loop sleeps after a look that failed, in seconds.
FAILED_SECONDS = 1.0

RowT = TypeVar("RowT", Execution, ExecutionStep)


class Loop:
    """Calls `look`, which returns how many seconds to sleep, as long as the process lives."""

    def __init__(self, name: str, look: Callable[[], float]) -> None:
        """Start stopped."""
        self._name, self._look = name, look
        self._pid = 0

    def start(self) -> None:
        """Start the thread, once a process: a fork does not take threads along."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(self.turn())

    def turn(self) -> float:
        """Look once; returns how many seconds to sleep."""
        try:
            return self._look()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%s: %s", self._name, error)
            connection.close()  # a broken one must not be met again
        except Exception:
            logger.exception("%s failed", self._name)
        return FAILED_SECONDS


def alone(look_at: Callable[[RowT], None], row: RowT) -> None:
    """Look at the row; what is wrong with it alone disturbs no other. Raises where the database is away."""
    try:
        with bound(executionId=row.pk if isinstance(row, Execution) else row.execution_id):
            look_at(row)
    except (DatabaseError, InterfaceError) as error:
        if not is_conflict(error):
            raise
        logger.warning("%s %s is locked, and left until it is looked at again", type(row).__name__, row.pk)
    except ObjectDoesNotExist as error:  # whoever deletes it is quicker
        logger.info("%s %s: %s", type(row).__name__, row.pk, error)
    except Exception:
        logger.exception("%s %s is left until it is looked at again", type(row).__name__, row.pk)
