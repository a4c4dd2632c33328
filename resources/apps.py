"""Django's entry for the app."""

from django.apps import AppConfig


class ResourcesConfig(AppConfig):
    """The `resources` app."""

    name = "resources"

    def ready(self) -> None:
        """Register the checks of the keys."""
        from resources import checks  # noqa: F401, PLC0415 - its models are there by now
