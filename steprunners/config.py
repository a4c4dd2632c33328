"""Base models for what users write: the `meta` of a step and the `config` of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from steprunners.json_types import Json
from steprunners.references.quoting import Grammar


def upper(value: Any) -> Any:
    """Return text in upper case, without the white space around it; anything else unchanged."""
    return value.strip().upper() if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """Return text in lower case, without the white space around it; anything else unchanged."""
    return value.strip().lower() if isinstance(value, str) else value


#: For a field with fixed values, which a user may write in any case.
UpperCase = BeforeValidator(upper)
LowerCase = BeforeValidator(lower)


class Wire(BaseModel):
    """A model that is camelCase on the wire, snake_case in Python, and refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True)


class StepConfig(Wire):
    """The `meta` of a step.

    `grammars` names the fields whose text has its own grammar, so that substituted values are quoted for it. Its keys
    are dotted wire paths in which `*` stands for any key or index. `unresolved` names the top-level wire keys whose
    references are not resolved: conditions, where a reference without a value counts as missing, and inline steps,
    which are resolved when they run. `fixed_keys` names the top-level wire keys of objects whose own keys must not hold
    references, and says why.
    """

    grammars: ClassVar[Mapping[str, Grammar]] = {}
    unresolved: ClassVar[frozenset[str]] = frozenset()
    fixed_keys: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def grammar_of(cls, path: tuple[str | int, ...], meta: Json) -> Grammar:
        """Return the grammar of the text at `path` inside `meta` (the whole, unresolved meta)."""
        for pattern, grammar in cls.grammars.items():
            if _is_at(pattern, path):
                return grammar
        return Grammar.PLAIN


def _is_at(pattern: str, path: tuple[str | int, ...]) -> bool:
    parts = pattern.split(".")
    return len(parts) == len(path) and all(
        part in ("*", str(key)) for part, key in zip(parts, path, strict=True)
    )


class StepResult(Wire):
    """The fields that the result of every step type has."""

    duration_ms: int = Field(0, ge=0, description="How long the attempt took.")


#: A connection's field that is encrypted at rest and never shown again.
Secret = Annotated[str, Field(json_schema_extra={"writeOnly": True, "format": "password"})]


class ConnectionConfig(Wire):
    """The `config` of a resource; fields annotated `Secret` are its secrets."""

    @classmethod
    def secret_fields(cls) -> frozenset[str]:
        """Return the wire names of the top-level fields whose values are secret."""
        properties = cls.model_json_schema(by_alias=True)["properties"]
        return frozenset(name for name, schema in properties.items() if _is_secret(schema))

    @classmethod
    def secret_entries(cls) -> frozenset[str]:
        """Return the wire names of the objects in which entries with a telling name (`X-Api-Key`) are secret."""
        properties = cls.model_json_schema(by_alias=True)["properties"]
        return frozenset(name for name, schema in properties.items() if schema.get("secretEntries"))


def _is_secret(schema: Mapping[str, Any]) -> bool:
    branches = [schema, *schema.get("anyOf", [])]
    return any(branch.get("writeOnly") for branch in branches)
