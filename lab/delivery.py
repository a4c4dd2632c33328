"""Brings fulfilled orders to one outlet, in a thread of its own: a system that hangs holds up no other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from lab.faults import Faults
from lab.orders import Order
from lab.outlets import Outlet

logger = logging.getLogger(__name__)


class Delivery:
    """Tells `outlet` of orders, one after the other."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._line = ThreadPoolExecutor(1, thread_name_prefix=outlet.system)
        self._late: set[threading.Timer] = set()
        self._submit(outlet.open)

    def deliver(self, order: Order, faults: Faults, *, still_there: Callable[[str], bool]) -> None:
        """Tell the system, as `faults` have it; a late one hears of the order only if it is `still_there` then."""
        told = faults.as_told_to(self._outlet.system, order)
        delay_ms = faults.delay_ms(self._outlet.system)
        if told is None:
            return
        if not delay_ms:
            self._submit(self._outlet.write, told)
            return

        def write() -> None:
            self._late.discard(timer)
            if still_there(order.id):
                self._submit(self._outlet.write, told)

        timer = threading.Timer(delay_ms / 1000, write)
        timer.daemon = True
        self._late.add(timer)
        timer.start()

    def forget(self, order_id: str) -> None:
        """Have the system forget the order."""
        self._submit(self._outlet.forget, order_id)

    def close(self) -> None:
        """Give up what was not delivered yet, and close the outlet."""
        for timer in list(self._late):
            timer.cancel()
        self._line.shutdown(cancel_futures=True)
        self._outlet.close()

    def _submit(self, action: Callable[..., None], *what: Order | str) -> None:
        with suppress(RuntimeError):  # the line is closed already: the shop is about to end
            self._line.submit(action, *what).add_done_callback(self._report)

    def _report(self, done: Future[None]) -> None:
        if not done.cancelled() and (problem := done.exception()) is not None:
            logger.warning("%s refused: %s: %s", self._outlet.system, type(problem).__name__, problem)
