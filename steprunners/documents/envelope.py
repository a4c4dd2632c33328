"""The step envelope: the fields that every step has around its `meta` (contract, section 2)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from steprunners.assertions.evaluation import Assertion
from steprunners.config import Wire
from steprunners.json_types import Json
from steprunners.registry import find_runner

RESERVED_NAMES = frozenset({"execution", "flow", "item", "index", "steps"})
NAME_PATTERN = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
DEFAULT_TIMEOUT_MS = 30_000
MAX_TIMEOUT_MS = 3_600_000

StepName = Annotated[str, Field(pattern=NAME_PATTERN)]
RetryOn = Annotated[
    Literal["ERROR", "FAILED"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


class VariableType(StrEnum):
    """The types that a flow's variable can have."""

    STRING = "string"
    INTEGER = "integer"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    DATE = "date"
    JSON = "json"


class RetryPolicy(Wire):
    """Try again after FAILED or ERROR.

    Before retry n it waits min(initialDelayMs × backoffMultiplier^(n−1), maxDelayMs).
    """

    max_retries: int = Field(3, ge=0, le=100)
    initial_delay_ms: int = Field(1_000, ge=0, le=86_400_000)
    backoff_multiplier: float = Field(2.0, ge=1.0, le=100.0, allow_inf_nan=False)
    max_delay_ms: int = Field(30_000, ge=0, le=86_400_000)
    jitter: bool = False
    retry_on: list[RetryOn] = ["ERROR", "FAILED"]


class UntilPolicy(Wire):
    """Repeat FAILED attempts until one succeeds or `timeoutMs` is over."""

    timeout_ms: int = Field(30_000, ge=1, le=604_800_000)
    interval_ms: int = Field(1_000, ge=1, le=86_400_000)
    backoff_multiplier: float = Field(1.0, ge=1.0, le=100.0, allow_inf_nan=False)
    max_interval_ms: int = Field(30_000, ge=1, le=86_400_000)
    fail_if: list[Assertion] = Field(default_factory=list)


class Extraction(Wire):
    """The path of an extracted variable, and whether its value is secret."""

    path: str = Field(min_length=1, max_length=1_000)
    secret: bool = False


def _as_extraction(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


ExtractionField = Annotated[Extraction, BeforeValidator(_as_extraction)]


class StepEnvelope(Wire):
    """One step of a flow; `meta` is validated by the step type's own config class."""

    id: str | None = Field(None, min_length=1, max_length=64)
    name: StepName
    step_type: str
    description: str = Field("", max_length=2_000)
    meta: dict[str, Any] = Field(default_factory=dict)
    disabled: bool = False
    timeout_ms: int | None = Field(None, ge=1, le=MAX_TIMEOUT_MS)
    run_in_background: bool = False
    continue_on_failure: bool = False
    always_run: bool = False
    when: Any = None
    retry: RetryPolicy | None = None
    until: UntilPolicy | None = None
    assertions: list[Assertion] = Field(default_factory=list)
    extract: dict[StepName, ExtractionField] = Field(default_factory=dict)
    for_each: list[Any] | str | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_old_names(cls, value: Any) -> Any:
        return hoist_old_names(value) if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _check_together(self) -> StepEnvelope:
        if self.name in RESERVED_NAMES:
            raise ValueError(f"'{self.name}' is a reserved name")
        if self.until is not None and not self.assertions:
            raise ValueError("until needs assertions: they say when to stop")
        if self.run_in_background and self.always_run:
            raise ValueError("a clean-up step (alwaysRun) cannot run in the background")
        return self


def hoist_old_names(step: dict[str, Any]) -> dict[str, Any]:
    """Return the step with `continueOnSuccess` renamed, and the step type's `envelope_keys` moved out of `meta`.

    Raises ValueError where the same field is given in both places.
    """
    step = _renamed(step, "continueOnSuccess", "continueOnFailure")
    meta, runner = step.get("meta"), find_runner(step.get("stepType"))
    if runner is None or not runner.envelope_keys or not isinstance(meta, dict):
        return step
    meta = dict(meta)
    for inner, outer in runner.envelope_keys.items():
        if inner not in meta:
            continue
        if step.get(outer) not in (None, []):
            raise ValueError(f"{outer} is given both in the step and as meta.{inner}")
        step = {**step, outer: meta.pop(inner)}
    return {**step, "meta": meta}


def _renamed(step: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    if old not in step:
        return step
    if new in step:
        raise ValueError(f"{old} is the old name of {new}: give only one of them")
    return {(new if key == old else key): value for key, value in step.items()}


def timeout_ms_of(step: StepEnvelope) -> int:
    """Return the deadline of one attempt in milliseconds."""
    return step.timeout_ms or DEFAULT_TIMEOUT_MS


def dump(step: StepEnvelope) -> dict[str, Json]:
    """Return the step as it is stored and shown: in camelCase, without default values."""
    shown: dict[str, Json] = step.model_dump(by_alias=True, exclude_defaults=True)
    return shown
