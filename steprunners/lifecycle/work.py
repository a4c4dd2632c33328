"""A step with all that its attempts need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from steprunners.config import StepConfig
from steprunners.documents.envelope import StepEnvelope
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.references.resolution import Scope
from steprunners.runner import AnyRunner, StepContext


@dataclass(frozen=True)
class Work:
    """A step with all that an attempt needs.

    `make_context` gets the valid config, the seconds until the deadline, and the scope (an item's in a `forEach`).
    `known_secrets` are those of the execution; what an attempt finds is added.
    """

    step: StepEnvelope
    runner: AnyRunner
    scope: Scope
    now_ms: Callable[[], int]
    make_context: Callable[[StepConfig, float, Scope], StepContext[Any]]
    known_secrets: KnownSecrets = field(default_factory=KnownSecrets)
