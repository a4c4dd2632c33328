"""The base of every flow view: the flows that the user may see, and documents checked for a team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F, Prefetch
from rest_framework import exceptions

from accounts.models import AnyUser, Team
from flows.api.parsers import InvalidFlow
from flows.documents.document import FlowDocument
from flows.models import Flow, FlowQuerySet, FlowVersion
from flows.problems import FlowInvalid, invalid
from flows.selectors import check_for_team


def visible_flows(user: AnyUser) -> FlowQuerySet:
    """Return the flows that the user may see and that are not deleted, each with its newest version as `newest`."""
    newest = FlowVersion.objects.filter(number=F("flow__version")).defer("secrets")
    return (
        Flow.objects.visible_to(user)
        .alive()
        .select_related("team")
        .prefetch_related(Prefetch("versions", queryset=newest, to_attr="newest"))
    )


def checked(team: Team, raw: Any, *, flow: Flow | None = None) -> FlowDocument:
    """Return the checked document; raise InvalidFlow (400) with everything that is wrong."""
    try:
        return check_for_team(team, raw, flow=flow)
    except FlowInvalid as error:
        raise InvalidFlow(error) from error


def object_of(data: Any) -> Mapping[str, Any]:
    """Return the body where it is an object, else raise InvalidFlow."""
    if not isinstance(data, dict):
        raise InvalidFlow(invalid("not_an_object", "a flow is an object with name and steps"))
    return data


def base_version_of(data: Mapping[str, Any]) -> int | None:
    """Return the version that the sender started from, where they say it."""
    base = data.get("baseVersion")
    if base is not None and (not isinstance(base, int) or isinstance(base, bool)):
        raise exceptions.ValidationError({"baseVersion": ["baseVersion must be a whole number."]}, "invalid")
    return base


def check_team_unchanged(flow: Flow, data: Mapping[str, Any]) -> None:
    """Raise ValidationError if the body names another team: a flow cannot move."""
    if data.get("teamId") not in (None, str(flow.team_id)):
        raise exceptions.ValidationError({"teamId": ["A flow cannot move to another team."]}, "invalid")
