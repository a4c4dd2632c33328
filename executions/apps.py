"""Django's entry for the app."""

from typing import Any

from django.apps import AppConfig

from accounts.signals import team_goes, team_is_held


class ExecutionsConfig(AppConfig):
    """The `executions` app."""

    name = "executions"

    def ready(self) -> None:
        """Stop and remove the executions of a team that is deleted: Django would load a million rows at once."""
        team_goes.connect(_remove_executions, dispatch_uid="executions")
        team_is_held.connect(_remove_rest, dispatch_uid="executions")


def _remove_executions(*, team: Any, **_: Any) -> None:
    from executions.engine.stop_team import stop_team  # noqa: PLC0415 - likewise
    from executions.retention.purge import remove_all  # noqa: PLC0415 - it needs the models, which come after this module

    stop_team(team)
    remove_all(team)


def _remove_rest(*, team: Any, **_: Any) -> None:
    from executions.retention.purge import remove_rest  # noqa: PLC0415 - likewise

    remove_rest(team)
