"""The net under Django: where even a request's body cannot be kept, or its connection given back, in an outage."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from asynctester.middleware.refusals import UNAVAILABLE, refuse
from executions.observability.outages import is_outage
from telemetry import metrics

if TYPE_CHECKING:
    from asgiref.typing import ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope

logger = logging.getLogger(__name__)


class OutageNet:
    """ASGI middleware: answers 503 where `app` raises an outage and has not begun to answer.

    Django writes a large body to a temporary file before its middleware sees the request: a disk that is full.
    """

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Pass the request on."""
        answered = False

        async def noted(event: ASGISendEvent) -> None:
            nonlocal answered
            answered = True
            await send(event)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if not is_outage(error):
                raise
            logger.warning("An outage: %s", error)
            if not answered:
                metrics.request_answered(str(scope.get("method", "")), "unknown", UNAVAILABLE[0], 0)
                await refuse(send, UNAVAILABLE)
