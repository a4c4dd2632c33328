"""ASGI entry point: HTTP goes to Django, WebSockets to Channels."""

import gc
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
django.setup()  # comes before what imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from asynctester.middleware.body_deadline import BodyDeadline, Patience  # noqa: E402
from asynctester.middleware.body_limit import BodyLimit  # noqa: E402
from asynctester.middleware.one_thread import OneThreadHandler  # noqa: E402
from asynctester.middleware.outage_net import OutageNet  # noqa: E402
from executions.live.routing import websocket_urlpatterns  # noqa: E402
from executions.observability.setup import set_up_telemetry  # noqa: E402

set_up_telemetry("web")

limited = BodyLimit(OneThreadHandler(), limit=settings.MAX_REQUEST_BYTES)
patience = Patience(
    pause=settings.REQUEST_PAUSE_SECONDS, total=settings.REQUEST_BODY_SECONDS, rate=settings.REQUEST_BODY_RATE
)
#: A thread that computes gives way to others after so long, in seconds. Python's own 5 ms add up: a request asks for
#: the GIL after each question to the database.
SWITCH_SECONDS = 0.001
sys.setswitchinterval(SWITCH_SECONDS)

application = ProtocolTypeRouter(
    {
        "http": BodyDeadline(OutageNet(limited), patience=patience),
        "websocket": URLRouter(websocket_urlpatterns),
    }
)

# What has been loaded stays: a full collection, which holds up every thread, need not look through it each time.
gc.collect()
gc.freeze()
