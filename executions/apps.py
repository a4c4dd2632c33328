"""Django's entry for the app."""

from typing import Any

from django.apps import AppConfig

from accounts.signals import team_goes


class ExecutionsConfig(AppConfig):
    """The `executions` app."""

    name = "executions"

    def ready(self) -> None:
        """Remove what ran for a team that is deleted, in portions: Django would load a million rows at once."""
        team_goes.connect(_remove_executions, dispatch_uid="executions")


def _remove_executions(*, team: Any, **_: Any) -> None:
    from executions.retention import remove_all  # noqa: PLC0415 - it needs the models, which come after this module

    remove_all(team)
