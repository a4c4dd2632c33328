"""The documents of steps, parsed and validated once a process for all the rows that hold the same text.

A flow that runs a thousand times has a thousand rows of each step, all with the same definition.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from steprunners.documents.envelope import StepEnvelope

#: Longer texts (in characters) are parsed each time: a thousand of them would take too much memory.
LONGEST_KEPT = 16_384


class Definition(dict[str, Any]):
    """A step's document. It is shared, so nobody may change it."""

    @cached_property
    def envelope(self) -> StepEnvelope:
        """The document as a validated envelope; shared as well."""
        return StepEnvelope.model_validate(dict(self))


def parse(text: str) -> Definition:
    """Return the definition that a row holds as text."""
    return _kept(text) if len(text) <= LONGEST_KEPT else Definition(json.loads(text))


@lru_cache(maxsize=1_000)
def _kept(text: str) -> Definition:
    return Definition(json.loads(text))


def envelope_of(definition: Mapping[str, Any]) -> StepEnvelope:
    """Return the envelope of a row's definition, wherever the row came from."""
    if isinstance(definition, Definition):
        return definition.envelope
    return StepEnvelope.model_validate(definition)
