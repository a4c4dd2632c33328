"""ASGI entry point: HTTP goes to Django, WebSockets to Channels."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
django.setup()  # comes before what imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from asynctester.body_deadline import BodyDeadline, Patience  # noqa: E402
from asynctester.body_limit import BodyLimit  # noqa: E402
from asynctester.one_thread import OneThreadHandler  # noqa: E402
from asynctester.outage_net import OutageNet  # noqa: E402
from executions.live.routing import websocket_urlpatterns  # noqa: E402
from executions.signs import show  # noqa: E402

show("web")

limited = BodyLimit(OneThreadHandler(), limit=settings.MAX_REQUEST_BYTES)
patience = Patience(
    pause=settings.REQUEST_PAUSE_SECONDS, total=settings.REQUEST_BODY_SECONDS, rate=settings.REQUEST_BODY_RATE
)
application = ProtocolTypeRouter(
    {
        "http": BodyDeadline(OutageNet(limited), patience=patience),
        "websocket": URLRouter(websocket_urlpatterns),
    }
)
