"""Finding executions by the name of their flow, whatever their number.

The names are looked for among the flows, which are few, and the executions by their flow, which is in an index; a
pattern over the names of a million executions takes seconds. So a flow that was renamed is found by its name of now.
Drafts have no flow: they are found by their own name.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.models import AnyUser
from executions.models import Execution
from flows.models import Flow

#: Flows that one search looks at, those changed last; whoever finds more has to say more.
MOST_FLOWS = 500
#: Characters: a flow's name holds no more, and a database no more conditions than fit into so many.
LONGEST = 200


def with_name(runs: QuerySet[Execution], text: str, user: AnyUser) -> QuerySet[Execution]:
    """Return those executions whose flow's name holds every word of the text, in any case."""
    return _of_flows(runs, Flow.objects.visible_to(user), text)


def with_name_anywhere(runs: QuerySet[Execution], text: str) -> QuerySet[Execution]:
    """Return the same, among the flows of all tenants: for administrators of the installation."""
    return _of_flows(runs, Flow.objects.all(), text)


def _of_flows(runs: QuerySet[Execution], flows: QuerySet[Flow], text: str) -> QuerySet[Execution]:
    words = text.split()
    if not words:
        return runs
    if len(text) > LONGEST:
        return runs.none()
    named = flows.filter(*(Q(name__icontains=word) for word in words)).order_by("-updated_at")
    ids = list(named.values_list("pk", flat=True)[:MOST_FLOWS])
    draft = Q(Q(flow=None), *(Q(flow_name__icontains=word) for word in words))
    return runs.filter(Q(flow__in=ids) | draft)
