"""The only writers of flows: every saved change is the next version, and versions never change.

Each writes the audit log too; what is left as it was is no event.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import Team, User
from flows.document import FlowDocument
from flows.models import Flow, FlowVersion
from flows.selectors import load_document, load_readable, newest_version
from flows.source_text import text_of


class StaleVersion(Exception):
    """The flow was changed since `base_version`; `current` is the number of its newest version."""

    def __init__(self, current: int) -> None:
        """Keep the current number for the answer."""
        super().__init__(f"The flow was changed in the meantime: its newest version is {current}.")
        self.current = current


@transaction.atomic
def create_flow(*, team: Team, user: User | None, document: FlowDocument, source: str = "") -> Flow:
    """Create a flow with version 1; `source` is the YAML of the document, as `keepable` gives it."""
    return _create("flow.create", team=team, user=user, document=document, source=source)


@transaction.atomic
def create_flows(*, team: Team, user: User | None, documents: Sequence[FlowDocument]) -> list[Flow]:
    """Create all of these imported flows, or none."""
    return [_create("flow.import", team=team, user=user, document=document) for document in documents]


@transaction.atomic
def save_version(
    *,
    flow: Flow,
    user: User | None,
    document: FlowDocument,
    base_version: int | None = None,
    source: str = "",
) -> FlowVersion:
    """Save the document as the flow's next version; an identical document is the version that is there.

    With its YAML in `source`, another comment makes another version too. Raises StaleVersion where `base_version` is
    not the newest, Flow.DoesNotExist where the flow was deleted.
    """
    return _save(
        "flow.save", flow=flow, user=user, document=document, base_version=base_version, source=source
    )


@transaction.atomic
def restore(*, flow: Flow, number: int, user: User | None) -> FlowVersion:
    """Save the document of version `number` as the next version; raise FlowVersion.DoesNotExist."""
    version = flow.versions.get(number=number)
    document = load_document(version)
    return _save(
        "flow.restore", flow=flow, user=user, document=document, source=version.source, restored=number
    )


@transaction.atomic
def delete_flow(*, flow: Flow) -> None:
    """Delete the flow softly: executions keep their version, and nobody sees the flow any more."""
    flow.deleted_at = timezone.now()
    flow.save(update_fields=["deleted_at", "updated_at"])
    record(actor=None, action="flow.delete", team=flow.team, target=flow)


@transaction.atomic
def record_export(*, flows: Sequence[Flow]) -> None:
    """Note in the audit log that these flows were given out, an event a team."""
    teams = {flow.team for flow in flows}
    for team in teams:
        ids = [flow.pk for flow in flows if flow.team_id == team.pk]
        record(actor=None, action="flow.export", team=team, detail={"flows": ids})


def _create(action: str, *, team: Team, user: User | None, document: FlowDocument, source: str = "") -> Flow:
    flow = Flow(team=team, created_by=user)
    _describe(flow, document)
    flow.version = 1
    flow.save()
    _write_version(flow=flow, number=1, user=user, document=document, source=source)
    record(actor=user, action=action, team=team, target=flow)
    return flow


def _save(
    action: str,
    *,
    flow: Flow,
    user: User | None,
    document: FlowDocument,
    base_version: int | None = None,
    source: str,
    **detail: int,
) -> FlowVersion:
    locked = (
        Flow.objects.alive().select_for_update().get(pk=flow.pk)
    )  # of two saves at once the second waits here
    if base_version is not None and base_version != locked.version:
        raise StaleVersion(locked.version)
    newest = newest_version(locked)
    if load_readable(newest) == document and source in ("", text_of(newest)):
        return newest
    _describe(locked, document)
    locked.version += 1
    locked.save()
    flow.refresh_from_db()
    record(
        actor=user,
        action=action,
        team=flow.team,
        target=flow,
        detail={"version": locked.version, **detail},
    )
    return _write_version(flow=locked, number=locked.version, user=user, document=document, source=source)


def _describe(flow: Flow, document: FlowDocument) -> None:
    flow.name, flow.description, flow.labels = document.name, document.description, document.labels


def _write_version(
    *, flow: Flow, number: int, user: User | None, document: FlowDocument, source: str
) -> FlowVersion:
    return FlowVersion.objects.create(
        flow=flow,
        number=number,
        document=document.to_json(),
        secrets=document.secret_defaults() or None,
        source=source,
        created_by=user,
    )
