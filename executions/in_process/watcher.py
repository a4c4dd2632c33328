"""Watches for the parked steps of this process, and wakes those that have news.

What to look at and how is the watch's own business (`steprunners.base.Watch`). Here are a thread for each source, so
that one that does not answer holds up no other, with a look a tick for all its steps together; the waking, in portions
that the workers keep up with, so that hundreds of steps with news at once do not stand before everybody else in the
queue; and one thread that renews the lease on all watched steps: where this process is lost, a sweeper of another one
has them visited, and watched there.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from executions import statements
from executions.broker import chain
from executions.models import ExecutionStep
from steprunners.base import StepError, Watch

logger = logging.getLogger(__name__)

#: Pause between two looks at a source, and between two portions of steps that are woken, in seconds.
TICK_SECONDS = 0.25
PORTION_SECONDS = 0.05
#: At most so many woken steps of a source stand in the queue.
MOST_IN_QUEUE = 32
#: A watch is dropped so long after its step's own time, in seconds: the step was visited, and watches anew.
SLACK_SECONDS = 1.0

Source = tuple[type[Watch], Hashable]


@dataclass(frozen=True, eq=False)
class Watched:
    """A step's watch, and until when (monotonic) it is kept."""

    step_id: uuid.UUID
    watch: Watch
    until: float


@dataclass
class _News:
    """The steps of a source that have news: to be woken, or woken and not claimed yet."""

    ready: dict[uuid.UUID, Watched] = field(default_factory=dict)
    woken: set[uuid.UUID] = field(default_factory=set)


class Watcher:
    """The watches of this process by source, and the threads that look."""

    def __init__(self) -> None:
        """Start with none; a thread starts with the first watch of its source, and ends with the last."""
        self._lock = threading.Lock()
        self._sources: dict[Source, dict[uuid.UUID, Watched]] = {}
        self._pid = 0

    def add(self, watch: Watch, step: ExecutionStep) -> None:
        """Watch for the step until it is visited; call it after the step was parked."""
        source = (type(watch), watch.source)
        until = time.monotonic() + watch.patience_ms / 1000 + SLACK_SECONDS
        with self._lock:
            if self._pid != os.getpid():  # a fork inherits the watches but not the threads
                self._pid = os.getpid()
                self._sources = {}
                threading.Thread(target=self._renew, name="watch-leases", daemon=True).start()
            watched = self._sources.get(source)
            if watched is None:
                watched = self._sources[source] = {}
                threading.Thread(target=self._run, args=(source,), name="watcher", daemon=True).start()
            watched[step.id] = Watched(step.id, watch, until)

    # --- looking and waking -----------------------------------------------------------------------

    def _run(self, source: Source) -> None:
        news = _News()
        try:
            while (watched := self._still_watched(source)) is not None:
                self._look(source, watched, news)
                self._wake(source, news)
                time.sleep(PORTION_SECONDS if news.ready else TICK_SECONDS)
        finally:
            connection.close()

    def _still_watched(self, source: Source) -> dict[uuid.UUID, Watched] | None:
        """Return the source's watches by step; None, and the source is forgotten, where there are none."""
        now = time.monotonic()
        with self._lock:
            kept = {step_id: each for step_id, each in self._sources[source].items() if each.until > now}
            if not kept:
                del self._sources[source]
                return None
            self._sources[source] = kept
            return dict(kept)

    def _look(self, source: Source, watched: dict[uuid.UUID, Watched], news: _News) -> None:
        """Add the steps that have news now; those that are to be woken already are not looked at again."""
        news.ready = {step_id: each for step_id, each in news.ready.items() if watched.get(step_id) is each}
        looked_at = {id(each.watch): each for step_id, each in watched.items() if step_id not in news.ready}
        if not looked_at:
            return
        try:
            for watch in source[0].look([each.watch for each in looked_at.values()]):
                found = looked_at[id(watch)]
                news.ready[found.step_id] = found
        except StepError as error:
            logger.info("nothing seen this time: %s", error.message)
        except Exception:
            logger.exception("a look for news failed")

    def _wake(self, source: Source, news: _News) -> None:
        """Wake a portion of the steps; where the database is away they stay, and are woken the next time."""
        if not news.ready:
            return
        try:
            news.woken = statements.watch.still_unclaimed(list(news.woken)) if news.woken else set()
            portion = list(news.ready.values())[: MOST_IN_QUEUE - len(news.woken)]
            places = statements.watch.wake_all([each.step_id for each in portion]) if portion else []
        except (DatabaseError, InterfaceError) as error:
            logger.warning("%s steps not woken: %s", len(news.ready), error)
            connection.close()
            return
        self._forget(source, portion)
        for each in portion:
            del news.ready[each.step_id]
            news.woken.add(each.step_id)
        for execution_id, position in places:
            chain.publish(execution_id, [position])

    def _forget(self, source: Source, those: Iterable[Watched]) -> None:
        with self._lock:
            here = self._sources.get(source, {})
            for each in those:
                if here.get(each.step_id) is each:  # the step may have been parked again already
                    del here[each.step_id]

    # --- leases -----------------------------------------------------------------------------------

    def _renew(self) -> None:
        while True:
            time.sleep(settings.ENGINE_LEASE_SECONDS / 2)
            try:
                self._renew_all()
            except Exception:  # a thread that ended would have every step visited again and again
                logger.exception("the leases of watched steps were not renewed")
            finally:
                connection.close()  # back to the pool; a broken one must not be met again

    def _renew_all(self) -> None:
        """Renew the leases of all watched steps; those that wait no more are forgotten."""
        with self._lock:
            sources = {source: list(watched.values()) for source, watched in self._sources.items()}
        ids = [each.step_id for watched in sources.values() for each in watched]
        if not ids:
            return
        waiting = statements.watch.renew(ids)
        for source, watched in sources.items():
            self._forget(source, [each for each in watched if each.step_id not in waiting])


watcher = Watcher()
