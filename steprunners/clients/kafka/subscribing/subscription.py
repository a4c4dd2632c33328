"""The `meta` of a `kafka_subscribe` step: which topic, where to start, and what to search for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from steprunners.clients.binary import Base64, Bytes, FilledOrBytes
from steprunners.clients.kafka.subscribing.matching import Matcher
from steprunners.config import LowerCase, StepConfig, UpperCase, Wire, lower
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.references.errors import UnsafeValue
from steprunners.references.resolution import Grammar, holds_reference
from steprunners.values.jsonpath import compile_jsonpath
from steprunners.values.patterns import PatternError, compile_regex

_GRAMMARS = {"regex": Grammar.REGEX, "jsonpath": Grammar.JSONPATH}

StartFrom = Literal["EXECUTION", "STEP", "EARLIEST", "TIMESTAMP", "GROUP"]


class SearchPattern(Wire):
    """What the value must contain."""

    match_type: Annotated[Literal["exact", "regex", "jsonpath"], LowerCase] = Field(
        "exact", description="Whether pattern is text, an RE2 expression or a JSONPath (RFC 9535)."
    )
    pattern: Annotated[Annotated[str, Field(min_length=1, max_length=100_000)] | Base64, FilledOrBytes] = (
        Field(description="`{base64: …}` are bytes; only with exact.")
    )
    match_all: bool = Field(False, description="Collect until messageLimit or the deadline.")

    @model_validator(mode="after")
    def _check_pattern(self) -> SearchPattern:
        if not isinstance(self.pattern, str):
            return self._check_bytes(self.pattern)
        if "${" in self.pattern or self.match_type == "exact":
            return self
        try:
            (compile_regex if self.match_type == "regex" else compile_jsonpath)(self.pattern)
        except PatternError as problem:
            raise ValueError(str(problem)) from problem
        return self

    def _check_bytes(self, pattern: Base64) -> SearchPattern:
        if self.match_type != "exact":
            raise ValueError(f"{self.match_type} needs a pattern that is text; bytes go with exact")
        if not pattern["base64"].strip():
            raise ValueError("pattern must not be empty")
        return self


class KafkaSubscribeConfig(StepConfig):
    """Where to read, where to start, and what to search for."""

    resource_id: str = Field(min_length=1, description="A kafka resource, by id or name.")
    topic: str = Field(min_length=1, max_length=249)
    start_from: Annotated[StartFrom, UpperCase] = Field("EXECUTION", description="Where to start reading.")
    timestamp_ms: int | None = Field(None, ge=0, lt=2**63, description="For TIMESTAMP: ms since the epoch.")
    consumer_group: str | None = Field(None, min_length=1, max_length=249, description="For GROUP.")
    message_limit: int = Field(100, ge=1, le=10_000, description="The most messages that are collected.")
    search_pattern: SearchPattern | None = None
    key: Bytes = Field(None, description="The message's key must be this.")
    headers: dict[str, Bytes] = Field(
        default_factory=dict,
        description="Each of these headers must have this value; of a list, all values.",
    )
    min_messages: int = Field(1, ge=0, le=10_000, description="This many must match before the deadline.")

    @classmethod
    def grammar_of(cls, path: tuple[str | int, ...], meta: Json) -> Grammar:
        """Return the grammar of the pattern by its matchType; other texts are plain.

        Raises UnsafeValue where the matchType is not known yet: a value in the pattern could not be quoted.
        """
        if path != ("searchPattern", "pattern") or not isinstance(meta, dict):
            return Grammar.PLAIN
        search = meta.get("searchPattern")
        match_type = search.get("matchType") if isinstance(search, dict) else None
        if isinstance(match_type, str) and holds_reference(match_type):
            raise UnsafeValue("a reference in the pattern needs a matchType without a reference")
        return _GRAMMARS.get(lower(match_type) if isinstance(match_type, str) else "", Grammar.PLAIN)

    @model_validator(mode="after")
    def _check_together(self) -> KafkaSubscribeConfig:
        if (self.start_from == "TIMESTAMP") != (self.timestamp_ms is not None):
            raise ValueError("startFrom TIMESTAMP and timestampMs go together: give both or neither")
        if (self.start_from == "GROUP") != (self.consumer_group is not None):
            raise ValueError("startFrom GROUP and consumerGroup go together: give both or neither")
        if self.min_messages > self.message_limit:
            raise ValueError("minMessages is larger than messageLimit")
        return self

    def matcher(self) -> Matcher:
        """Return the matcher of the messages. Raises BadConfig."""
        search = self.search_pattern
        pattern: Any = (search.match_type, search.pattern) if search is not None else None
        try:
            return Matcher(pattern=pattern, key=self.key, headers=self.headers)
        except PatternError as problem:
            raise BadConfig(f"meta.searchPattern.pattern: {problem}") from problem

    @property
    def enough(self) -> int:
        """How many matching messages end the step."""
        match_all = self.search_pattern is not None and self.search_pattern.match_all
        return self.message_limit if match_all else max(1, self.min_messages)
