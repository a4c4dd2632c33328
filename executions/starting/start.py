"""Starts an execution: writes it and its step rows in one transaction, and publishes its chain after the commit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from accounts.audit.log import record
from accounts.models import Team, User
from accounts.transactions import keep, retried
from executions.broker import chain, lanes
from executions.known_secrets import add_to
from executions.models import Execution, ExecutionStep, SessionState
from executions.observability import instrumentation
from executions.selectors.labels import rows_of
from executions.starting import admission
from executions.starting.admission import RunRefused
from executions.starting.pinned_versions import pinned_versions
from executions.starting.planning import Plan, plan
from executions.starting.variables import Values, evaluate
from executions.statements.insert import insert
from flows.documents.document import FlowDocument, Problem
from flows.models import FlowVersion
from flows.selectors import load_document
from resources.limits.effective import limits_of_team
from resources.models import Environment
from resources.selectors import secrets_of_named
from steprunners.masking.masker import texts_of

MAX_INITIAL_DELAY_MS = 7 * 24 * 3_600_000

#: A sweeper begins a delayed execution this long after it is due, in seconds: the timer of a worker comes first.
_SLACK_SECONDS = 0.5


class KeyReused(Exception):
    """The idempotency key was used before, for another request."""

    def __init__(self, earlier: Execution) -> None:
        """Say which run the key belongs to."""
        super().__init__(
            f"This Idempotency-Key belongs to another request: it started the run {earlier.pk} of "
            f"{earlier.flow_name}, with another flow or body. Use a new key for a new run."
        )


#: Changes an execution and its steps before they are written (a re-run reuses earlier results), and returns the
#: sessions (cookies) to write with them.
Prepare = Callable[[Execution, list[ExecutionStep]], list[SessionState]]


def start_execution(  # noqa: PLR0913  # keyword-only: the parts of a run request
    *,
    team: Team,
    user: User | None,
    source: str,
    version: FlowVersion | None = None,
    draft: FlowDocument | None = None,
    environment: Environment | None = None,
    variables: Sequence[Mapping[str, Any]] = (),
    labels: Sequence[str] = (),
    initial_delay_ms: int = 0,
    idempotency_key: str | None = None,
    request_fingerprint: str = "",
    parent: Execution | None = None,
    parent_position: int | None = None,
    rerun_of: Execution | None = None,
    secret_texts: Collection[str] = (),
    prepare: Prepare | None = None,
) -> Execution:
    """Create the execution of a version or of a draft; returns at once, before any step has run.

    If the organisation has reached its limit of running executions, the new one waits to be admitted (`admission`).
    `secret_texts` are secrets from elsewhere: of the parent, or of the run that is run again. For an `idempotency_key`
    that the user has used in this team before, the execution of that time is returned.
    Raises KeyReused if its request had another `request_fingerprint` (an empty one is not compared), RunRefused with
    every problem of the variables and parameters, TooManyRuns beyond the limits, DoesNotExist if the team or the
    environment was deleted meanwhile.
    """
    known = _earlier(team, user, idempotency_key, request_fingerprint)
    if known is not None:
        return known
    document, planned = _planned(version, draft)
    choices = environment.resources if environment else {}
    texts = [*secret_texts, *secrets_of_named(team, planned.resources, choices)]
    values = evaluate(document, variables, environment, texts)
    _check(values, initial_delay_ms)
    now = timezone.now()
    due_at = now + timedelta(milliseconds=initial_delay_ms)
    pins = parent.pins if parent else pinned_versions(team, document)
    execution = Execution(
        team=team,
        user=user,
        source=source,
        flow=version.flow if version else None,
        version=version,
        flow_name=document.name,
        flow_version=version.number if version else None,
        draft=None if version else document.to_json(),
        environment=environment,
        parent=parent,
        parent_position=parent_position,
        root_id=parent.root_id or parent.pk if parent else None,
        depth=parent.depth + 1 if parent else 0,
        rerun_of=rerun_of,
        idempotency_key=idempotency_key,
        request_fingerprint=request_fingerprint if idempotency_key else "",
        labels=list(dict.fromkeys([*document.labels, *labels])),
        variables=values.shown,
        resource_choices=choices,
        pins=pins,
        positions=parent.positions if parent else {"pending": True} if pins or planned.records_starts else {},
        initial_delay_ms=initial_delay_ms,
        created_at=now,
        due_at=due_at if initial_delay_ms else None,
        time_limit_ms=None if parent else limits_of_team(team.pk).execution_seconds * 1000,
        look_at=due_at
        + timedelta(seconds=_SLACK_SECONDS if initial_delay_ms else settings.ENGINE_UNCLAIMED_SECONDS),
    )
    steps = planned.apply_to(execution)
    _keep_secrets(execution, values, concurrent=planned.is_concurrent)
    sessions = prepare(execution, steps) if prepare is not None else []
    return _write(execution, steps, sessions)


def _earlier(
    team: Team, user: User | None, idempotency_key: str | None, request_fingerprint: str
) -> Execution | None:
    if idempotency_key is None:
        return None
    found = Execution.objects.filter(team=team, user=user, idempotency_key=idempotency_key).first()
    # Runs of a release before 0011 have no fingerprint.
    if found is not None and request_fingerprint != found.request_fingerprint != "":
        raise KeyReused(found)
    return found


@lru_cache(maxsize=64)
def _plan_of(version_id: Any) -> tuple[FlowDocument, Plan]:
    """Return a version's document and plan. Versions never change, and planning a long flow takes a while."""
    document = load_document(FlowVersion.objects.get(pk=version_id))
    return document, _plan(document)


def _planned(version: FlowVersion | None, draft: FlowDocument | None) -> tuple[FlowDocument, Plan]:
    if version is not None:
        return _plan_of(version.pk)
    if draft is None:
        raise ValueError("a run needs a version or a draft")
    return draft, _plan(draft)


def _plan(document: FlowDocument) -> Plan:
    return plan(document.steps, {variable.name for variable in document.variables})


def _check(values: Values, initial_delay_ms: int) -> None:
    problems = list(values.problems)
    if not 0 <= initial_delay_ms <= MAX_INITIAL_DELAY_MS:
        message = f"initialDelay must be between 0 and {MAX_INITIAL_DELAY_MS} milliseconds"
        problems.append(Problem("parameters.initialDelay", "out_of_range", message))
    if problems:
        raise RunRefused(problems)


def _keep_secrets(execution: Execution, values: Values, *, concurrent: bool) -> None:
    """Store the secrets known at the start; those of a child are stored in its root (see `known_secrets`)."""
    variables = {"variables": values.secrets} if values.secrets else {}
    if execution.root_id is None:
        own = set(texts_of([*values.secrets.values()]))
        found = [text for text in values.known.texts if text not in own]
        more = {"more": found} if found else {}
        execution.secrets = {**variables, **more, **({"concurrent": True} if concurrent else {})} or None
        return
    execution.secrets = variables or None
    add_to(execution.root_id, values.known.texts, concurrent=concurrent)


def _write(execution: Execution, steps: list[ExecutionStep], sessions: list[SessionState]) -> Execution:
    try:
        _insert(execution, steps, sessions)
    except IntegrityError:
        # Of two requests with the same key at once, the other one was first.
        known = _earlier(
            execution.team, execution.user, execution.idempotency_key, execution.request_fingerprint
        )
        if known is None:
            raise
        return known
    execution.new_steps = steps
    instrumentation.execution_started(execution)
    return execution


@retried
def _insert(execution: Execution, steps: list[ExecutionStep], sessions: list[SessionState]) -> None:
    """Write the rows, and publish the first step after the commit. Raises IntegrityError if the key is taken."""
    # The flow and its version are deleted with the team alone. A child's transaction locks its parent later, and must
    # not wait for anything above the parent then.
    keep(execution.team, execution.user if execution.parent_id else None, execution.environment)
    execution.admitted = admission.admit_new(execution)
    insert([execution])
    insert(steps)
    insert(sessions)
    insert(rows_of(execution))
    first = chain.follow_links({step.position: step.next_position for step in steps}, execution.cursor)
    lanes.remember(execution.id, lanes.lane_of_team(execution.team_id))
    # A worker waits for the delay, and asks for admission when it is over.
    if execution.admitted or execution.due_at is not None:
        chain.publish_on_commit(execution.id, first)
    _record(execution)


def _record(execution: Execution) -> None:
    """Write the audit log; a child execution is part of its parent's entry."""
    if execution.parent_id is not None:
        return
    detail = {"source": execution.source, "flow": execution.flow_id, "version": execution.flow_version}
    if execution.environment is not None:
        detail["environment"] = execution.environment.name
    if execution.rerun_of_id is not None:
        detail["rerunOf"] = execution.rerun_of_id
    action = "execution.rerun" if execution.rerun_of_id else "execution.start"
    record(actor=execution.user, action=action, team=execution.team, target=execution, detail=detail)
