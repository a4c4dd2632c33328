"""The call of one attempt: resolves and validates `meta`, then calls the runner with a deadline."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from pydantic import BaseModel, ValidationError

from steprunners.budgets.effort import Stopped
from steprunners.budgets.step_errors import as_step_work, with_step_errors
from steprunners.config import StepConfig
from steprunners.documents.envelope import timeout_ms_of
from steprunners.documents.problems import Place
from steprunners.documents.validation_errors import problems_of
from steprunners.errors import BadConfig, BadReference, StepError
from steprunners.json_types import Json
from steprunners.lifecycle.attempts import Progress
from steprunners.lifecycle.learn_secrets import learn_credentials
from steprunners.lifecycle.work import Work
from steprunners.references.resolution import Grammar, ReferenceProblem, Scope, resolve, resolve_tracked
from steprunners.runner import Outcome

logger = logging.getLogger(__name__)

#: The deadline of steps that only wait, in seconds: longer than any of them waits (`delay`: 7 days).
LONGEST_WAIT_SECONDS = 30 * 86_400.0


@dataclass
class Prepared:
    """What an attempt sends: the config, and the request as it is shown, which is masked."""

    request: dict[str, Json]
    config: StepConfig


@as_step_work
def prepare(work: Work) -> Prepared:
    """Resolve meta and validate it. Its secrets are added to the known ones. Raises StepError."""
    meta, kind = work.step.meta, work.runner.config_class
    own = {key: value for key, value in meta.items() if key in kind.unresolved}
    others = {key: value for key, value in meta.items() if key not in own}
    try:
        resolved = resolve_tracked(others, work.scope, lambda path, _whole: kind.grammar_of(path, meta))
    except ReferenceProblem as problem:
        raise BadReference(f"{_place(problem)}{problem.message}") from problem
    whole = _joined(resolved.value, own)
    learn_credentials(work, whole)
    try:
        config = kind.model_validate(whole)
    except ValidationError as error:
        raise BadConfig(first_problem(error, whole, kind, ("meta",))) from error
    return Prepared(_joined(resolved.masked, own), config)


@as_step_work
def with_extract_paths(work: Work) -> Work:
    """Return the work with the references in its `extract` paths resolved."""
    resolved = {
        name: each.model_copy(update={"path": _path_of(name, each.path, work.scope)})
        for name, each in work.step.extract.items()
        if "${" in each.path
    }
    if not resolved:
        return work
    extract = {**work.step.extract, **resolved}
    return replace(work, step=work.step.model_copy(update={"extract": extract}))


def _path_of(name: str, path: str, scope: Scope) -> str:
    try:
        return str(resolve(path, scope, lambda _place, _whole: Grammar.PATH))
    except ReferenceProblem as problem:
        raise BadReference(f"extract.{name}: {problem.message}") from problem


def _joined(resolved: Json, own: dict[str, Json]) -> dict[str, Json]:
    return {**resolved, **own} if isinstance(resolved, dict) else own


def _place(problem: ReferenceProblem) -> str:
    return "meta." + ".".join(map(str, problem.path)) + ": " if problem.path else ""


def first_problem(error: ValidationError, document: Json, model: type[BaseModel], place: Place = ()) -> str:
    """Return the place and the message of the first problem, in the words that saving the flow has for it."""
    problem = problems_of(error, document, model, place, has_hints=False, allows_references=False)[0]
    return f"{problem.place}: {problem.message}" if problem.place else problem.message


@with_step_errors
def call(work: Work, prepared: Prepared, progress: Progress, started_ms: int) -> Outcome:
    """Call the runner; raise StepError where it cannot run the step, also where the runner has a bug."""
    config = prepared.config
    context = work.make_context(config, _seconds_left(work, started_ms), work.scope)
    prepared.request = work.runner.shown_request(prepared.request, context.connection)
    context.state, context.origin = progress.park, progress.origin
    # From here on the called system may know them, and may send them to a step that runs at the same time.
    work.known_secrets.save()
    try:
        outcome: Outcome = work.runner.run(config, context)
    except (StepError, Stopped):
        raise
    except Exception as error:  # a runner's bug must end the step, not the worker
        logger.exception("step type %s failed unexpectedly", work.runner.type)
        raise StepError(
            f"the step type failed with an unexpected {type(error).__name__}", code="internal_error"
        ) from error
    finally:
        progress.origin = context.origin
    return outcome


def _seconds_left(work: Work, started_ms: int) -> float:
    if not work.runner.has_deadline:
        return LONGEST_WAIT_SECONDS
    used_ms = work.now_ms() - started_ms  # parked time counts
    return max(0.0, (timeout_ms_of(work.step) - used_ms) / 1000)
