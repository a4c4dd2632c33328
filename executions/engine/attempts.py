"""Runs the attempts of a claimed step: gathers what it may use, lets the lifecycle advance it, stores the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings

from executions.engine import context as ctx
from executions.engine.attempt_records import milliseconds_now
from executions.engine.children import answer_of
from executions.engine.delegate_step import delegate
from executions.engine.finish_step import finish_attempted, finish_unattempted
from executions.engine.outcome import Outcome
from executions.engine.park_step import park, park_for_child
from executions.engine.sessions import StepSessions
from executions.engine.start_positions import starts_of
from executions.known_secrets import ExecutionSecrets
from executions.models import Execution, ExecutionStep
from executions.presentation import milliseconds
from executions.runtime.leases import leases
from executions.statements.database.step_definitions import envelope_of
from executions.states import StepStatus
from resources.limits.effective import grant_of_team
from resources.network import policy_of
from steprunners.assertions.conditions import ConditionError, evaluate_condition
from steprunners.budgets.effort import Host, hosted, working
from steprunners.budgets.rotation import Rotation
from steprunners.config import StepConfig
from steprunners.deadline import Cancellation, Deadline
from steprunners.documents.envelope import StepEnvelope
from steprunners.errors import BadReference, StepError
from steprunners.json_types import Json
from steprunners.lifecycle.advance import advance, is_wanted
from steprunners.lifecycle.attempts import Answer, Attempt, Delegated, Ended, Progress, Waiting, broken
from steprunners.lifecycle.work import Work
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.references.resolution import ReferenceProblem, Scope
from steprunners.registry import runners
from steprunners.runner import ExecutionFacts, StepContext
from steprunners.values.patterns import patterns_of_at_most
from telemetry import log_context, tracing

#: Steps whose patterns and conditions compute for long take turns, organisation after organisation.
rotation = Rotation(lambda: len(leases.held()))


@dataclass
class ContextFactory:
    """Makes the context of each attempt; the secrets of the connections that it hands out become known secrets."""

    execution: Execution
    envelope: StepEnvelope
    cancellation: Cancellation
    place: tracing.Place
    known_secrets: KnownSecrets
    sessions: StepSessions

    def make_context(self, config: StepConfig, seconds: float, scope: Scope) -> StepContext[Any]:
        """Return what one call may use. Raises StepError where the step's resource cannot be used."""
        runner = runners()[self.envelope.step_type]
        connected = ctx.connect(self.execution, runner.resource_type, getattr(config, "resource_id", None))
        self.known_secrets.add(connected.secrets)
        session, changes = self.sessions.open(runner.session_key(config))
        starts, starts_at_ms = starts_of(self.execution, connected.resource_id)
        return StepContext(
            deadline=Deadline(seconds),
            cancellation=self.cancellation,
            network=policy_of(self.execution.team_id),
            execution=ExecutionFacts(
                str(self.execution.id), milliseconds(self.execution.started_at) or 0, starts, starts_at_ms
            ),
            connection=connected.connection,
            session=session,
            session_changes=changes,
            evaluate=lambda condition: _evaluate(condition, scope),
            trace_headers=tracing.headers_of(self.place),
            known_secrets=self.known_secrets,
        )


def _evaluate(condition: Json, scope: Scope) -> bool:
    try:
        with working():
            return evaluate_condition(condition, scope)
    except (ConditionError, ReferenceProblem) as problem:
        raise BadReference(f"condition: {problem}") from problem


def run_attempts(
    step: ExecutionStep, execution: Execution, referenced: ctx.ReferencedSteps, cancellation: Cancellation
) -> int | None:
    """Run the claimed step until it ends or waits; returns the position of the next step."""
    grant = grant_of_team(execution.team_id)
    log_context.add(organisationId=grant.organisation_id)
    judging = settings.MAX_JUDGING_MS / 1000
    host = Host(
        rotation, grant.organisation_id, judging_seconds=judging, is_over=lambda: cancellation.is_cancelled
    )
    with patterns_of_at_most(grant.limits.pattern_length), hosted(host):
        return _advance(step, execution, referenced, cancellation)


def _advance(
    step: ExecutionStep, execution: Execution, referenced: ctx.ReferencedSteps, cancellation: Cancellation
) -> int | None:
    envelope = envelope_of(step.definition)
    known = ExecutionSecrets(execution)
    log_context.hide(known.hide_text)
    contexts = ContextFactory(
        execution,
        envelope,
        cancellation,
        tracing.Place(execution.pk, step.position),
        known,
        StepSessions(step),
    )
    scope = ctx.build_scope(execution, referenced.steps, known)
    work = Work(
        envelope, runners()[envelope.step_type], scope, milliseconds_now, contexts.make_context, known
    )
    progress = Progress.from_json(step.state)
    earlier: list[Attempt] = []
    try:
        if step.attempts == 0 and not step.state and not is_wanted(work):
            return finish_unattempted(step, execution, StepStatus.SKIPPED)
        answer = answer_of(progress)
        if answer is None and progress.child is not None:
            return park_for_child(step, progress)
        move = advance(work, progress, earlier.append, answer)
    except StepError as error:
        move = Ended(broken(error, milliseconds_now(), milliseconds_now()))
    outcome = Outcome(step, execution, envelope, known, earlier)
    known.save()  # before a step that runs beside this one can read its cookies, and send them
    contexts.sessions.save()
    return _store(outcome, work, move)


def _store(outcome: Outcome, work: Work, move: Ended | Waiting | Delegated) -> int | None:
    outcome.known_secrets.complete()
    if isinstance(move, Ended):
        return finish_attempted(outcome, move.attempt)
    if isinstance(move, Waiting):
        return park(outcome, move)
    started = delegate(outcome, move)
    if not isinstance(started, Answer):
        return started
    # There is no branch to run, so the answer is known at once.
    try:
        again = advance(work, move.progress, outcome.earlier.append, started)
    except StepError as error:
        again = Ended(broken(error, milliseconds_now(), milliseconds_now()))
    return _store(outcome, work, again)
