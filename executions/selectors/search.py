"""Finds executions by the name of their flow, however many executions there are.

The search looks at the names of the flows, which are few, and finds the executions by their flow in an index. A pattern
over the names of a million executions takes seconds. So a renamed flow is found by its present name. Drafts have no
flow: they are found by their own name.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import AnyUser
from executions.models import Execution
from flows.models import Flow

#: How many flows one search covers: those that changed last. A user who finds more has to search more precisely.
MAX_FLOWS = 500
#: In characters. A flow's name is not longer, and a longer text would make more conditions than a database takes.
MAX_LENGTH = 200


def with_name(runs: QuerySet[Execution], text: str, user: AnyUser) -> QuerySet[Execution]:
    """Return those executions whose flow's name contains every word of the text, in upper or lower case."""
    return _of_flows(runs, Flow.objects.visible_to(user), text)


def with_name_anywhere(runs: QuerySet[Execution], text: str) -> QuerySet[Execution]:
    """Do the same for the flows of all tenants: for administrators of the installation."""
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
