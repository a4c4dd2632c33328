"""WebSocket routes."""

from __future__ import annotations

from typing import Any

from django.urls import path, re_path

from executions.live.consumers import ExecutionStream, TeamStream, UnknownStream
from executions.live.stream import LiveStream


def serve(stream: type[LiveStream]) -> Any:
    """Return an ASGI application that serves each socket with a new stream."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await stream(scope, receive, send).run()

    return application


websocket_urlpatterns = [
    path("api/v1/executions/<uuid:identifier>/stream", serve(ExecutionStream)),
    path("api/v1/teams/<uuid:identifier>/stream", serve(TeamStream)),
    re_path("", serve(UnknownStream)),
]
