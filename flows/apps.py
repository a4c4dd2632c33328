"""Django's entry for the app."""

from django.apps import AppConfig


class FlowsConfig(AppConfig):
    """The `flows` app."""

    name = "flows"

    def ready(self) -> None:
        """Let the app below know where flows use its resources."""
        from flows.resource_uses import uses_in_flows  # noqa: PLC0415 - models can be imported once the apps are loaded
        from resources.usage import register  # noqa: PLC0415 - likewise

        register(uses_in_flows)
