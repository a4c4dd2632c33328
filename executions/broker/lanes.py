"""The lane of an execution: the tasks of each organisation have a queue of their own, and workers read them in turn.

A lane is a queue of the broker (`queues`). Organisations are numbered in the order of their creation. Two of them
share a lane only where there are more than ENGINE_LANES.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from contextlib import suppress
from functools import lru_cache

from django.conf import settings

from accounts.models import Organisation, Team
from executions.models import Execution
from resources.limits.effective import grant_of_team

_MOST_KEPT = 10_000
_kept: OrderedDict[uuid.UUID, int] = OrderedDict()


def lane_of(execution_id: uuid.UUID) -> int:
    """Return the execution's lane. Asks the database if this process does not remember it."""
    lane = _kept.get(execution_id)
    if lane is None:
        team_id = Execution.objects.filter(pk=execution_id).values_list("team_id", flat=True).first()
        lane = 0
        with suppress(Team.DoesNotExist):  # it was deleted a moment ago, and its executions with it
            lane = 0 if team_id is None else lane_of_team(team_id)
        remember(execution_id, lane)
    return lane


def remember(execution_id: uuid.UUID, lane: int) -> None:
    """Keep the lane that a message named, or that the process that wrote the row knows."""
    _kept[execution_id] = lane
    while len(_kept) > _MOST_KEPT:
        _kept.popitem(last=False)


def lane_of_team(team_id: uuid.UUID) -> int:
    """Return the lane of the team's organisation."""
    return _lane_of(grant_of_team(team_id).organisation_id)


@lru_cache(maxsize=10_000)
def _lane_of(organisation_id: uuid.UUID) -> int:
    # Ids sort by creation. When an organisation is deleted, later ones move to another lane, and processes notice
    # that at different times. Their messages are in two lanes for a while; only the sharing depends on that.
    return Organisation.objects.filter(pk__lt=organisation_id).count() % int(settings.ENGINE_LANES)
