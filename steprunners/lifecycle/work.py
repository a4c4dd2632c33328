"""A step with everything that its attempts need."""

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
    """A step with everything that an attempt needs.

    `make_context` gets the valid config, the seconds until the deadline, and the scope (in a `forEach` that of the
    item). `known_secrets` are those of the execution; an attempt adds the secrets that it finds.
    """

    step: StepEnvelope
    runner: AnyRunner
    scope: Scope
    now_ms: Callable[[], int]
    make_context: Callable[[StepConfig, float, Scope], StepContext[Any]]
    known_secrets: KnownSecrets = field(default_factory=KnownSecrets)
