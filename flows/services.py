"""The only writers of flows: every saved change is the next version, and versions never change.

Each writes the audit log too; what is left as it was is no event.

Whoever saves holds the team, and looks once more whether it has what the document names: it was checked before, and a
resource that nobody used then may have been deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.audit.log import record
from accounts.models import Team, User
from accounts.transactions import Overtaken, held, retried
from flows.documents.document import FlowDocument
from flows.editing.source_text import text_of
from flows.models import Flow, FlowVersion
from flows.selectors import first_missing, load_document, load_readable, newest_version
from steprunners.values.json_text import dumps


class StaleVersion(Exception):
    """The flow was changed since `base_version`; `current` is the number of its newest version."""

    def __init__(self, current: int) -> None:
        """Keep the current number for the answer."""
        super().__init__(f"The flow was changed in the meantime: its newest version is {current}.")
        self.current = current


@retried
def create_flow(*, team: Team, user: User | None, document: FlowDocument, source: str = "") -> Flow:
    """Create a flow with version 1; `source` is the YAML of the document, as `keepable` gives it."""
    return _create("flow.create", team=team, user=user, document=document, source=source)


@retried
def create_flows(*, team: Team, user: User | None, documents: Sequence[FlowDocument]) -> list[Flow]:
    """Create all of these imported flows, or none."""
    return [_create("flow.import", team=team, user=user, document=document) for document in documents]


@retried
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


@retried
def restore(*, flow: Flow, number: int, user: User | None) -> FlowVersion:
    """Save the document of version `number` as the next version; raise FlowVersion.DoesNotExist, Overtaken."""
    version = flow.versions.get(number=number)
    document = load_document(version)
    return _save(
        "flow.restore", flow=flow, user=user, document=document, source=version.source, restored=number
    )


@retried
def delete_flow(*, flow: Flow) -> None:
    """Delete the flow softly: executions keep their version, and nobody sees the flow any more.

    Raises Flow.DoesNotExist where it was deleted already.
    """
    found = _held_flow(flow)
    found.deleted_at = flow.deleted_at = timezone.now()
    found.save(update_fields=["deleted_at", "updated_at"])
    record(actor=None, action="flow.delete", team=found.team, target=found)


@transaction.atomic
def record_export(*, flows: Sequence[Flow]) -> None:
    """Note in the audit log that these flows were given out, an event a team."""
    teams = {flow.team for flow in flows}
    for team in teams:
        ids = [flow.pk for flow in flows if flow.team_id == team.pk]
        record(actor=None, action="flow.export", team=team, detail={"flows": ids})


def _create(action: str, *, team: Team, user: User | None, document: FlowDocument, source: str = "") -> Flow:
    held(team)
    _refuse_missing(team, document)
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
    held(flow.team)
    locked = _held_flow(flow)  # of two saves at once the second waits here
    if base_version is not None and base_version != locked.version:
        raise StaleVersion(locked.version)
    newest = newest_version(locked)
    if _is_same(load_readable(newest), document) and source in ("", text_of(newest)):
        return newest
    _refuse_missing(flow.team, document)
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


def _is_same(before: FlowDocument, after: FlowDocument) -> bool:
    """Whether both say the same. For Python `true` is 1 and 10 is 10.00, but a step sends them as written."""
    return all(
        dumps(old) == dumps(new)
        for old, new in (
            (before.to_json(), after.to_json()),
            (before.secret_defaults(), after.secret_defaults()),
        )
    )


def _held_flow(flow: Flow) -> Flow:
    """Return the living flow, held for this transaction; raises Flow.DoesNotExist."""
    return Flow.objects.alive().select_for_update().get(pk=flow.pk)


def _refuse_missing(team: Team, document: FlowDocument) -> None:
    """Raise Overtaken where the team does not have (any more) what the document's steps name."""
    missing = first_missing(team, document)
    if missing is not None:
        raise Overtaken(f"{missing.place}: {missing.message}. It may have been deleted a moment ago.")


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
