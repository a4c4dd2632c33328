"""What an attempt of a step came to, and what a step has to remember from one sitting to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from steprunners.errors import StepError
from steprunners.json_types import Json
from steprunners.runner import RunChild, TakeBranch, Watch

SUCCESS, FAILED, ERROR = "SUCCESS", "FAILED", "ERROR"


@dataclass
class Progress:
    """What a step has to remember over a wait. Times are ms since the epoch.

    `item` and `items` are a `forEach`'s; all else is about the item (or the step) that is at work. `origin` is what its
    attempts share.
    """

    retries: int = 0
    polls: int = 0
    until_ends_ms: int | None = None
    attempt_started_ms: int | None = None
    waited_ms: int = 0
    park: Json = None
    origin: Json = None
    child: str | None = None
    branch: int | None = None
    branch_failed: str | None = None
    item: int = 0
    items: list[Json] = field(default_factory=list)
    extracted: dict[str, Json] = field(default_factory=dict)
    secret_names: list[str] = field(default_factory=list)
    #: The items that are shown otherwise, by index (`Attempt.shown`).
    shown: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Progress:
        """Return the progress that `to_json` gave; None is a step that has not begun."""
        return cls(**(value or {}))

    def to_json(self) -> dict[str, Json]:
        """Return what differs from a fresh start."""
        fresh = asdict(Progress())
        return {key: value for key, value in asdict(self).items() if value != fresh[key]}

    def next_item(self, attempt: Attempt) -> Progress:
        """Return the progress with this item's outcome kept and the next one not begun."""
        items = [*self.items, dict(attempt.result or {})]
        return Progress(
            item=self.item + 1,
            items=items,
            extracted={**self.extracted, **attempt.extracted},
            secret_names=sorted({*self.secret_names, *attempt.secret_names}),
            shown=self.shown if attempt.shown is None else {**self.shown, str(self.item): attempt.shown},
        )


@dataclass(frozen=True)
class Attempt:
    """How one attempt ended. `result` is whole and unmasked.

    `shown` is the result with what is secret by its place masked (cookies, credentials in headers), where there is any.
    `secret_names` are the extracted values that were read there.
    """

    status: str
    started_ms: int
    completed_ms: int
    request: Json = None
    result: dict[str, Json] | None = None
    shown: Json = None
    assertions: list[dict[str, Json]] = field(default_factory=list)
    error: dict[str, str] | None = None
    extracted: dict[str, Json] = field(default_factory=dict)
    secret_names: frozenset[str] = frozenset()
    session: Json = None
    final: bool = False
    item: int | None = None
    waited_ms: int = 0


@dataclass(frozen=True)
class Ended:
    """The step has ended with the outcome of its last attempt."""

    attempt: Attempt


@dataclass(frozen=True)
class Waiting:
    """The step goes on in `delay_ms`; `attempt` is what was tried before the wait, None inside an attempt."""

    delay_ms: int
    progress: Progress
    attempt: Attempt | None = None
    watch: Watch | None = None


@dataclass(frozen=True)
class Delegated:
    """The step goes on when the branch or the child that it asked for has ended."""

    request: Json
    progress: Progress
    wish: TakeBranch | RunChild


Move = Ended | Waiting | Delegated


@dataclass(frozen=True)
class Answer:
    """How the branch or child that a step waited for has ended; `failure` says why it fails the step.

    `shown` is the result with secret values masked, where the child extracted some.
    """

    result: dict[str, Json]
    failure: str | None = None
    shown: dict[str, Json] | None = None


def broken(error: StepError, started_ms: int, now_ms: int) -> Attempt:
    """Return the attempt that the error ended: ERROR, or CANCELLED."""
    result = None if error.result is None else {**error.result, "durationMs": now_ms - started_ms}
    status = "CANCELLED" if error.code == "cancelled" else ERROR
    problem = {"code": error.code, "message": error.message}
    return Attempt(status=status, started_ms=started_ms, completed_ms=now_ms, error=problem, result=result)
