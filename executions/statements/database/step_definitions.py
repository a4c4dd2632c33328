"""Step definitions, parsed and validated once a process for all rows that hold the same text.

A flow that runs a thousand times has a thousand rows of each step, all with the same definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from steprunners.documents.envelope import StepEnvelope
from steprunners.values.json_text import loads

#: A longer text (in characters) is parsed each time: a thousand of them would take too much memory.
MAX_CACHED_LENGTH = 16_384


class Definition(dict[str, Any]):
    """A step's document. It is shared: do not change it."""

    @cached_property
    def envelope(self) -> StepEnvelope:
        """The document as a validated envelope. It is shared, too."""
        return StepEnvelope.model_validate(dict(self))


def parse(text: str) -> Definition:
    """Return the definition for the text of a row."""
    return _cached(text) if len(text) <= MAX_CACHED_LENGTH else Definition(loads(text))


@lru_cache(maxsize=1_000)
def _cached(text: str) -> Definition:
    return Definition(loads(text))


def envelope_of(definition: Mapping[str, Any]) -> StepEnvelope:
    """Return the envelope of a row's definition, whether our statements or the ORM read the row."""
    if isinstance(definition, Definition):
        return definition.envelope
    return StepEnvelope.model_validate(definition)
