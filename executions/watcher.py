"""Watches for the parked steps of this process, and wakes those that have news.

What to look at and how is the watch's own business (`steprunners.base.Watch`): here are a thread for each source, so
that one that does not answer holds up no other, a look a tick for all its steps together, and the waking.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Hashable
from dataclasses import dataclass

from django.db import DatabaseError, connection

from executions import chain, moves
from steprunners.base import StepError, Watch

logger = logging.getLogger(__name__)

#: Pause between two looks at a source, in seconds.
TICK_SECONDS = 0.25
#: A watch is dropped so long after its step's own time, in seconds: the step was visited, and watches anew.
SLACK_SECONDS = 1.0

Place = tuple[uuid.UUID, int]
Source = tuple[type[Watch], Hashable]


@dataclass(frozen=True)
class Watched:
    """A step's watch, and until when (monotonic) it is kept."""

    place: Place
    watch: Watch
    until: float


class Watcher:
    """The watches of this process by source, and the threads that look."""

    def __init__(self) -> None:
        """Start with none; a thread starts with the first watch of its source, and ends with the last."""
        self._lock = threading.Lock()
        self._sources: dict[Source, dict[Place, Watched]] = {}
        self._pid = 0

    def add(self, watch: Watch, execution_id: uuid.UUID, position: int) -> None:
        """Watch for the step until it is visited; call it after the step was parked."""
        source = (type(watch), watch.source)
        until = time.monotonic() + watch.patience_ms / 1000 + SLACK_SECONDS
        with self._lock:
            if self._pid != os.getpid():  # a fork inherits the watches but not the threads
                self._pid = os.getpid()
                self._sources = {}
            watched = self._sources.get(source)
            if watched is None:
                watched = self._sources[source] = {}
                threading.Thread(target=self._run, args=(source,), name="watcher", daemon=True).start()
            watched[execution_id, position] = Watched((execution_id, position), watch, until)

    def _run(self, source: Source) -> None:
        try:
            while (watched := self._still_watched(source)) is not None:
                for each in self._news_of(source, watched):
                    self._wake(source, each)
                time.sleep(TICK_SECONDS)
        finally:
            connection.close()

    def _still_watched(self, source: Source) -> list[Watched] | None:
        """Return the source's watches; None, and the source is forgotten, where there are none."""
        now = time.monotonic()
        with self._lock:
            kept = {place: each for place, each in self._sources[source].items() if each.until > now}
            if not kept:
                del self._sources[source]
                return None
            self._sources[source] = kept
            return list(kept.values())

    def _news_of(self, source: Source, watched: list[Watched]) -> list[Watched]:
        by_id = {id(each.watch): each for each in watched}
        try:
            return [by_id[id(watch)] for watch in source[0].look([each.watch for each in watched])]
        except StepError as error:
            logger.info("nothing seen this time: %s", error.message)
        except Exception:
            logger.exception("a look for news failed")
        return []

    def _wake(self, source: Source, watched: Watched) -> None:
        """Wake the step; where the database is away its watch stays, and it is woken the next time."""
        execution_id, position = watched.place
        try:
            if moves.wake(execution_id, position):
                chain.publish_from(execution_id, position)
        except DatabaseError as error:
            logger.warning("step %s of execution %s not woken: %s", position, execution_id, error)
            connection.close()
            return
        with self._lock:
            here = self._sources.get(source, {})
            if here.get(watched.place) is watched:  # the step may have been parked again already
                del here[watched.place]


watcher = Watcher()
