"""The only writers of flows: every saved change is the next version, and versions never change."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import Team, User
from flows.document import FlowDocument
from flows.models import Flow, FlowVersion
from flows.selectors import load_document, newest_version


class StaleVersion(Exception):
    """The flow was changed since `base_version`; `current` is the number of its newest version."""

    def __init__(self, current: int) -> None:
        """Keep the current number for the answer."""
        super().__init__(f"The flow was changed in the meantime: its newest version is {current}.")
        self.current = current


@transaction.atomic
def create_flow(*, team: Team, user: User | None, document: FlowDocument) -> Flow:
    """Create a flow with version 1."""
    flow = Flow(team=team, created_by=user)
    _describe(flow, document)
    flow.version = 1
    flow.save()
    _write_version(flow=flow, number=1, user=user, document=document)
    return flow


@transaction.atomic
def create_flows(*, team: Team, user: User | None, documents: Sequence[FlowDocument]) -> list[Flow]:
    """Create all of these flows, or none."""
    return [create_flow(team=team, user=user, document=document) for document in documents]


@transaction.atomic
def save_version(
    *, flow: Flow, user: User | None, document: FlowDocument, base_version: int | None = None
) -> FlowVersion:
    """Save the document as the flow's next version; an identical document is the version that is there.

    Raises StaleVersion where `base_version` is not the newest, Flow.DoesNotExist where the flow was deleted.
    """
    locked = (
        Flow.objects.alive().select_for_update().get(pk=flow.pk)
    )  # of two saves at once the second waits here
    if base_version is not None and base_version != locked.version:
        raise StaleVersion(locked.version)
    newest = newest_version(locked)
    if load_document(newest) == document:
        return newest
    _describe(locked, document)
    locked.version += 1
    locked.save()
    flow.refresh_from_db()
    return _write_version(flow=locked, number=locked.version, user=user, document=document)


def restore(*, flow: Flow, number: int, user: User | None) -> FlowVersion:
    """Save the document of version `number` as the next version; raise FlowVersion.DoesNotExist."""
    document = load_document(flow.versions.get(number=number))
    return save_version(flow=flow, user=user, document=document)


def delete_flow(*, flow: Flow) -> None:
    """Delete the flow softly: executions keep their version, and nobody sees the flow any more."""
    flow.deleted_at = timezone.now()
    flow.save(update_fields=["deleted_at", "updated_at"])


def _describe(flow: Flow, document: FlowDocument) -> None:
    flow.name, flow.description, flow.labels = document.name, document.description, document.labels


def _write_version(*, flow: Flow, number: int, user: User | None, document: FlowDocument) -> FlowVersion:
    return FlowVersion.objects.create(
        flow=flow,
        number=number,
        document=document.to_json(),
        secrets=document.secret_defaults() or None,
        created_by=user,
    )
