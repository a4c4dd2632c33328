"""Django's entry for the app."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    """The `resources` app."""

    name = "resources"
