"""How long a team keeps what it has run: its own number of days, or the installation's. 0 means for ever."""

from __future__ import annotations

from enum import Enum

from django.conf import settings

from accounts.audit.log import record
from accounts.models import Team
from accounts.transactions import held, retried


class Same(Enum):
    """The value of a number of days that is not to change; None has another meaning."""

    SAME = "same"


SAME = Same.SAME


def results_days(team: Team) -> int:
    """Return how many days requests and responses of steps are kept; 0 means for ever."""
    return _own_or(team.keep_results_days, settings.RESULTS_RETENTION_DAYS)


def executions_days(team: Team) -> int:
    """Return how many days executions are kept, with everything in them; 0 means for ever."""
    return _own_or(team.keep_executions_days, settings.EXECUTIONS_RETENTION_DAYS)


@retried
def change_retention(
    *, team: Team, results: int | Same | None = SAME, executions: int | Same | None = SAME
) -> None:
    """Set the team's own numbers of days, if they differ; None restores the installation's."""
    now = held(team)
    before = (now.keep_results_days, now.keep_executions_days)
    after = (_chosen(results, before[0]), _chosen(executions, before[1]))
    team.keep_results_days, team.keep_executions_days = after
    if before == after:
        return
    now.keep_results_days, now.keep_executions_days = after
    now.save(update_fields=["keep_results_days", "keep_executions_days"])
    detail = {
        "resultsDays": _in_words(after[0]),
        "executionsDays": _in_words(after[1]),
        "from": [_in_words(each) for each in before],
    }
    record(actor=None, action="team.retention", team=team, target=team, detail=detail)


def _chosen(days: int | Same | None, now: int | None) -> int | None:
    return now if isinstance(days, Same) else days


def _own_or(own: int | None, installation: int) -> int:
    return installation if own is None else own


def _in_words(days: int | None) -> str:
    return "the installation's" if days is None else str(days)
