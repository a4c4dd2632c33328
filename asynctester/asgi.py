"""ASGI entry point: HTTP goes to Django, WebSockets to Channels."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
django.setup()  # comes before what imports models

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from asynctester.body_limit import BodyLimit  # noqa: E402
from asynctester.one_thread import OneThreadHandler  # noqa: E402
from executions.live.routing import websocket_urlpatterns  # noqa: E402
from executions.signs import show  # noqa: E402

show("web")

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(OneThreadHandler(), limit=settings.MAX_REQUEST_BYTES),
        "websocket": URLRouter(websocket_urlpatterns),
    }
)
