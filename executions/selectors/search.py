"""Finds executions by the name of their flow, fast for any number of executions.

It searches the names of the flows, which are few, and finds the executions of these by an index. Searching the names of
a million executions takes seconds. So a renamed flow is found by its present name. Drafts have no flow: they are found
by their own name.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import AnyUser
from executions.models import Execution
from flows.models import Flow

#: The most flows that one search covers, the last changed ones first; a search that finds more must be more precise.
MAX_FLOWS = 500
#: The most characters of a search: flow names are no longer, and more words would make too many conditions.
MAX_LENGTH = 200


def with_name(runs: QuerySet[Execution], text: str, user: AnyUser) -> QuerySet[Execution]:
    """Return the executions whose flow's name has every word of the text, in any case."""
    return _of_flows(runs, Flow.objects.visible_to(user), text)


def with_name_anywhere(runs: QuerySet[Execution], text: str) -> QuerySet[Execution]:
    """Return the same, among the flows of all tenants: for administrators of the installation."""
    return _of_flows(runs, Flow.objects.all(), text)


def _of_flows(runs: QuerySet[Execution], flows: QuerySet[Flow], text: str) -> QuerySet[Execution]:
    words = text.split()
    if not words:
        return runs
    if len(text) > MAX_LENGTH:
        return runs.none()
    named = flows.filter(*(Q(name__icontains=word) for word in words)).order_by("-updated_at")
    ids = list(named.values_list("pk", flat=True)[:MAX_FLOWS])
    draft = Q(Q(flow=None), *(Q(flow_name__icontains=word) for word in words))
    return runs.filter(Q(flow__in=ids) | draft)
