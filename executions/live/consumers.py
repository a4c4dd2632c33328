"""The streams: one execution in full, and a short form of all runs of a team (contract, section 8)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from uuid import UUID

from accounts.models import Team
from executions.live.authentication import Login
from executions.live.events import execution_group, team_group
from executions.live.messages import is_final
from executions.live.ordering import Order
from executions.live.recent_snapshots import recent_snapshot
from executions.live.reconciler import reconciler
from executions.live.snapshots import Taken, snapshots
from executions.live.stream import SUBSCRIBE_TIMEOUT, UNKNOWN, Closing, LiveStream
from executions.models import Execution

SNAPSHOT_SPACING = 1.0  # seconds between two snapshots of one stream
GAP_PATIENCE = 0.3  # seconds that an update may be late: several workers publish


class ExecutionStream(LiveStream):
    """Sends a SNAPSHOT, then every update in order, and closes after the last one."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.execution_id: UUID = _identifier(self.scope)
        self._order: Order[dict[str, Any]] = Order()
        self._recent = recent_snapshot(self.execution_id)
        self._snapshot_wanted = asyncio.Event()

    def group(self) -> str:
        """Return the execution's group."""
        return execution_group(self.execution_id)

    def visible_to(self, login: Login) -> bool:
        """Return whether the user may see the execution."""
        found = Execution.objects.visible_to(login.user).filter(pk=self.execution_id)
        self.team_id = found.values_list("team_id", flat=True).first()
        return self.team_id is not None

    def knows(self) -> int | None:
        """Return the sequence number up to which every update was sent."""
        return self._order.last

    def resync(self) -> None:
        """Send a snapshot, at most one every SNAPSHOT_SPACING."""
        self._snapshot_wanted.set()

    def asked(self, request: dict[str, Any]) -> bool:
        """Handle `{"type": "snapshot"}`."""
        if request.get("type") != "snapshot":
            return False
        self.resync()
        return True

    def joined(self, *, anew: bool) -> None:
        """Updates are received from now on; a shared snapshot from before may be of any age."""
        if anew:
            self._recent.forget()
        super().joined(anew=anew)

    def heard(self, message: dict[str, Any]) -> None:
        """Send an update in its order; send a snapshot if the update before it does not come."""
        self._recent.heard(message["sequence"])
        self._forward(self._order.accept(message["sequence"], message))
        if self._order.gap:
            asyncio.get_running_loop().call_later(GAP_PATIENCE, self._resync_if_gap)

    def more_work(self) -> list[Coroutine[Any, Any, None]]:
        """Return the coroutine that sends snapshots."""
        return [self._send_snapshots()]

    def _resync_if_gap(self) -> None:
        if self._order.gap:
            self.resync()

    async def _send_snapshots(self) -> None:
        """Subscribe first, then read: updates in between are dropped if the snapshot has them."""
        with suppress(TimeoutError):
            # Not `wait_for`: Python 3.11 loses a cancellation that comes just when the wait is over.
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await self.subscribed.wait()
        taken = self._recent.taken if self.subscribed.is_set() else None
        reconciler().add(self)
        try:
            while True:
                began = time.monotonic()
                self._snapshot_wanted.clear()
                self._send_snapshot(taken or await self._read_snapshot())
                taken = None
                await self._snapshot_wanted.wait()
                await asyncio.sleep(began + SNAPSHOT_SPACING - time.monotonic())
        finally:
            reconciler().remove(self)

    async def _read_snapshot(self) -> Taken:
        taken = await snapshots().take(self.execution_id)
        if taken is None:
            raise Closing(UNKNOWN)
        self._recent.keep(taken)
        return taken

    def _send_snapshot(self, taken: Taken) -> None:
        update, text = taken
        self.output.put(text)
        after = self._order.rebase(update["sequence"])
        if is_final(update):
            self.output.finish()
        else:
            self._forward(after)

    def _forward(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            self.output.put(message["text"])
            if message["final"]:
                self.output.finish()


class TeamStream(LiveStream):
    """Sends every change of status of a team's executions as it is published; a list that missed one loads again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.team_id = self._team = _identifier(self.scope)

    def group(self) -> str:
        """Return the team's group."""
        return team_group(self._team)

    def visible_to(self, login: Login) -> bool:
        """Return whether the user may see the team."""
        return Team.objects.visible_to(login.user).filter(pk=self._team).exists()

    def heard(self, message: dict[str, Any]) -> None:
        """Send the message."""
        self.output.put(message["text"])


class UnknownStream(LiveStream):
    """An unknown URL: closed with 4404, like everything unknown."""

    def visible_to(self, _login: Login) -> bool:
        """Return False: nobody may see it."""
        return False


def _identifier(scope: Any) -> UUID:
    identifier: UUID = scope["url_route"]["kwargs"]["identifier"]
    return identifier
