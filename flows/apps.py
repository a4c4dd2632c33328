"""Django's entry for the app."""

from django.apps import AppConfig


class FlowsConfig(AppConfig):
    """The `flows` app."""

    name = "flows"
