"""How an attempt of a step ended, and what a step remembers while it waits."""

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
    """What a step remembers while it waits. Times are ms since the epoch.

    `item` and `items` belong to a `forEach`; the other fields are about the current item, or about the step. `origin`
    is what the attempts share.
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
    #: The masked results of items, by index, where they differ from the results (`Attempt.shown`).
    shown: dict[str, Json] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Progress:
        """Return the progress that `to_json` wrote; None is a step that has not started."""
        return cls(**(value or {}))

    def to_json(self) -> dict[str, Json]:
        """Return the fields that differ from those of a new step."""
        fresh = asdict(Progress())
        return {key: value for key, value in asdict(self).items() if value != fresh[key]}

    def next_item(self, attempt: Attempt) -> Progress:
        """Return the progress after this item, before the next one starts."""
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

    `shown` is the result with the secrets of known places masked (cookies, credentials in headers), None where it has
    none. `secret_names` are the variables that were extracted from such places.
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
    final: bool = False
    item: int | None = None
    waited_ms: int = 0


@dataclass(frozen=True)
class Ended:
    """The step has ended with the outcome of its last attempt."""

    attempt: Attempt


@dataclass(frozen=True)
class Waiting:
    """The step continues in `delay_ms`; `attempt` is the attempt before the wait, None during an attempt."""

    delay_ms: int
    progress: Progress
    attempt: Attempt | None = None
    watch: Watch | None = None


@dataclass(frozen=True)
class Delegated:
    """The step continues when the branch or the child that it asked for has ended."""

    request: Json
    progress: Progress
    wish: TakeBranch | RunChild


Move = Ended | Waiting | Delegated


@dataclass(frozen=True)
class Answer:
    """How the branch or child that a step waited for ended; `failure` says why the step fails, None where it does not.

    `shown` is the result with secret values masked, where the child extracted some.
    """

    result: dict[str, Json]
    failure: str | None = None
    shown: dict[str, Json] | None = None


def broken(error: StepError, started_ms: int, now_ms: int) -> Attempt:
    """Return an attempt that ended with the error: ERROR, or CANCELLED."""
    result = None if error.result is None else {**error.result, "durationMs": now_ms - started_ms}
    status = "CANCELLED" if error.code == "cancelled" else ERROR
    problem = {"code": error.code, "message": error.message}
    return Attempt(status=status, started_ms=started_ms, completed_ms=now_ms, error=problem, result=result)
