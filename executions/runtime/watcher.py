"""Watches for the parked steps of this process, and wakes those that have news (a Kafka message, say).

A watch says itself what it looks at and how (`steprunners.runner.Watch`). Each source has a thread, which looks once a
tick for all steps of the source: a source that does not answer holds up no other. Steps with news are woken in batches
that the workers keep up with, so that hundreds at once do not fill the queue before everybody else.

One more thread renews the leases of all watched steps. Where this process is lost, a sweeper of another process wakes
them, and they are watched there.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import partial

from django.conf import settings

from executions import statements
from executions.broker import chain
from executions.models import ExecutionStep
from executions.runtime.background_thread import BackgroundThread, StopThread
from steprunners.errors import StepError
from steprunners.runner import Watch

logger = logging.getLogger(__name__)

#: The pause between two looks at a source, and between two batches of steps that are woken, in seconds.
TICK_SECONDS = 0.25
BATCH_SECONDS = 0.05
#: How many woken steps of a source may be in the queue.
MOST_IN_QUEUE = 32
#: A watch ends this long after its step was due, in seconds: by then the step has run, and may have a new watch.
SLACK_SECONDS = 1.0

Source = tuple[type[Watch], Hashable]


@dataclass(frozen=True, eq=False)
class Watched:
    """A step's watch, and until when it is kept (monotonic seconds)."""

    step_id: uuid.UUID
    watch: Watch
    until: float


@dataclass
class _News:
    """The steps of a source that have news: ready to be woken, or woken and not claimed yet."""

    ready: dict[uuid.UUID, Watched] = field(default_factory=dict)
    woken: set[uuid.UUID] = field(default_factory=set)


class Watcher:
    """The watches of this process by source, and their threads."""

    def __init__(self) -> None:
        """Start with none; a thread starts with the first watch of its source, and ends with the last."""
        pause = settings.ENGINE_LEASE_SECONDS / 2
        self._renewing = BackgroundThread(
            "watch-leases", self._renew_leases, first_pause=pause, after_fork=self._forget_all
        )
        self._forget_all()

    def _forget_all(self) -> None:
        # In a forked child: the watches are the parent's.
        self._lock = threading.Lock()
        self._sources: dict[Source, dict[uuid.UUID, Watched]] = {}

    def add(self, watch: Watch, step: ExecutionStep) -> None:
        """Watch for the step until it runs again. Call it after the step was parked."""
        source = (type(watch), watch.source)
        until = time.monotonic() + watch.patience_ms / 1000 + SLACK_SECONDS
        with self._lock:
            is_new = source not in self._sources
            self._sources.setdefault(source, {})[step.id] = Watched(step.id, watch, until)
        if is_new:
            look = partial(self._look_and_wake, source, _News())
            BackgroundThread("watcher", look, retry_seconds=TICK_SECONDS).start()
        self._renewing.start()

    # --- looking and waking -----------------------------------------------------------------------

    def _look_and_wake(self, source: Source, news: _News) -> float:
        """Look at the source once; returns the seconds until the next look. Raises StopThread after its last watch."""
        watched = self._still_watched(source)
        self._look(source, watched, news)
        self._wake(source, news)
        return BATCH_SECONDS if news.ready else TICK_SECONDS

    def _still_watched(self, source: Source) -> dict[uuid.UUID, Watched]:
        """Return the source's watches by step. Where there are none, forget the source and raise StopThread."""
        now = time.monotonic()
        with self._lock:
            kept = {step_id: each for step_id, each in self._sources[source].items() if each.until > now}
            if not kept:
                del self._sources[source]
                raise StopThread
            self._sources[source] = kept
            return dict(kept)

    def _look(self, source: Source, watched: dict[uuid.UUID, Watched], news: _News) -> None:
        """Add the steps that have news now, without looking at those that are ready to be woken already."""
        news.ready = {step_id: each for step_id, each in news.ready.items() if watched.get(step_id) is each}
        looked_at = {id(each.watch): each for step_id, each in watched.items() if step_id not in news.ready}
        if not looked_at:
            return
        try:
            for watch in source[0].look([each.watch for each in looked_at.values()]):
                found = looked_at[id(watch)]
                news.ready[found.step_id] = found
        except StepError as error:
            logger.info("the source could not be read: %s", error.message)
        except Exception:
            logger.exception("the source could not be read")

    def _wake(self, source: Source, news: _News) -> None:
        """Wake a batch of the ready steps. Where the database is away they stay ready, and are woken the next time."""
        if not news.ready:
            return
        news.woken = statements.watch.still_unclaimed(list(news.woken)) if news.woken else set()
        batch = list(news.ready.values())[: MOST_IN_QUEUE - len(news.woken)]
        places = statements.watch.wake_all([each.step_id for each in batch]) if batch else []
        self._forget(source, batch)
        for each in batch:
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

    def _renew_leases(self) -> float:
        """Renew the leases of all watched steps; returns the seconds until the next time."""
        self._renew_all()
        return settings.ENGINE_LEASE_SECONDS / 2

    def _renew_all(self) -> None:
        """Renew the leases of all watched steps, and forget the steps that do not wait any more."""
        with self._lock:
            sources = {source: list(watched.values()) for source, watched in self._sources.items()}
        ids = [each.step_id for watched in sources.values() for each in watched]
        if not ids:
            return
        waiting = statements.watch.renew(ids)
        for source, watched in sources.items():
            self._forget(source, [each for each in watched if each.step_id not in waiting])


watcher = Watcher()
