"""Django's entry for the app."""

from django.apps import AppConfig


class ExecutionsConfig(AppConfig):
    """The `executions` app."""

    name = "executions"
