"""Advances a step with `forEach`: one item after the other, each with its own attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from steprunners.budgets.step_errors import as_step_work
from steprunners.documents.problems import kind_of
from steprunners.errors import BadReference, StepError
from steprunners.json_types import Json
from steprunners.lifecycle.advance_one import advance_one
from steprunners.lifecycle.attempts import SUCCESS, Answer, Attempt, Ended, Move, Progress, Waiting, broken
from steprunners.lifecycle.work import Work
from steprunners.masking.credentials import MASK
from steprunners.references.expressions import Named, Reference
from steprunners.references.grammar import parse
from steprunners.references.resolution import ReferenceProblem, resolve_tracked
from steprunners.values.paths import is_singular

#: After this time, in ms, a `forEach` pauses between two items, so that its progress is stored and shown.
PAUSE_AFTER_MS = 2_000


def advance_items(
    work: Work, progress: Progress, record: Callable[[Attempt], None], answer: Answer | None
) -> Move:
    """Advance the items in order until one has to wait or fails, or all have ended."""
    begun_ms = work.now_ms()
    try:
        items, shown = _items_of(work)
    except StepError as error:
        return Ended(broken(error, begun_ms, work.now_ms()))
    last: Attempt | None = None
    while progress.item < len(items):
        number = progress.item
        scope = replace(work.scope, item=items[number], index=number, shown_item=shown[number])
        move = advance_one(replace(work, scope=scope), progress, answer)
        answer = None
        if last is not None:
            record(last)
        if not isinstance(move, Ended):
            return _with_item(move, progress.item)
        attempt = last = replace(move.attempt, item=progress.item)
        progress = progress.next_item(attempt)
        if attempt.status != SUCCESS:
            break
        if progress.item < len(items) and work.now_ms() - begun_ms >= PAUSE_AFTER_MS:
            return Waiting(0, progress, attempt)
    return Ended(_summary(last, progress, begun_ms, work.now_ms()))


@as_step_work
def _items_of(work: Work) -> tuple[list[Json], list[Json]]:
    """Return the items, and how each is shown (masked)."""
    try:
        resolved = resolve_tracked(work.step.for_each, work.scope)
    except ReferenceProblem as problem:
        raise BadReference(f"forEach: {problem}") from problem
    items, shown = resolved.value, resolved.masked
    if not isinstance(items, list):
        reason = f"forEach needs a list, but {work.step.for_each} is {kind_of(items)}"
        raise BadReference(reason + _way_out(work.step.for_each))
    same_length = isinstance(shown, list) and len(shown) == len(items)
    return items, shown if isinstance(shown, list) and same_length else [MASK] * len(items)


def _way_out(reference: Json) -> str:
    """Return what to do where the reference is a JSONPath that can give several nodes, and gave one; else nothing."""
    parts = parse(reference) if isinstance(reference, str) else ()
    expression = parts[0].expression if len(parts) == 1 and isinstance(parts[0], Reference) else None
    if not isinstance(expression, Named) or expression.path is None or is_singular(expression.path):
        return ""
    return (
        ": its JSONPath selects one node, and one node gives its value and no list; "
        f'if it is always one, write forEach: ["{reference}"], else refer to the list itself'
    )


def _with_item(move: Move, item: int) -> Move:
    if isinstance(move, Waiting) and move.attempt is not None:
        return replace(move, attempt=replace(move.attempt, item=item))
    return move


def _summary(last: Attempt | None, progress: Progress, begun_ms: int, now_ms: int) -> Attempt:
    """Return the attempt of the last item, with the results of all items as its result."""
    ended = last or Attempt(status=SUCCESS, started_ms=begun_ms, completed_ms=now_ms)
    result: dict[str, Json] = {"items": progress.items, "count": len(progress.items)}
    result["durationMs"] = sum(_duration_of(item) for item in progress.items)
    items = [progress.shown.get(str(index), item) for index, item in enumerate(progress.items)]
    return replace(
        ended,
        result=result,
        shown={**result, "items": items} if progress.shown else None,
        extracted=progress.extracted,
        secret_names=frozenset(progress.secret_names),
    )


def _duration_of(result: Json) -> int:
    duration = result.get("durationMs") if isinstance(result, dict) else None
    return duration if isinstance(duration, int) else 0
