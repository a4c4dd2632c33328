"""The fields of a form, made from the JSON Schema of a config: a new step type or connection needs no form code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from pydantic import BaseModel

from steprunners.config import ConnectionConfig

Schema = Mapping[str, Any]

#: Objects below this depth are edited as text: deeper nested forms help nobody.
MAX_DEPTH = 2
#: Text that may have this many characters or more gets a field with several lines.
LONG_TEXT = 10_000
#: What a field refers to that also takes `{base64: …}` (steprunners/clients/binary.py).
_BYTES = {"$ref": "#/$defs/Base64"}


class Kind(StrEnum):
    """The kind of a form field."""

    TEXT = "text"
    LONG_TEXT = "longText"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    #: Text, or a number where it looks like one.
    SCALAR = "scalar"
    #: A list of texts.
    LINES = "lines"
    #: An object of any names.
    PAIRS = "pairs"
    #: Any JSON value.
    VALUE = "value"
    #: An object with known fields.
    GROUP = "group"
    #: One of several objects; the field `discriminator` says which.
    VARIANTS = "variants"


@dataclass(frozen=True, slots=True)
class FormField:
    """One field; `default` is the value that is used where it is left out (None: none)."""

    name: str
    kind: Kind
    type_name: str
    description: str = ""
    required: bool = False
    secret: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    fields: tuple[FormField, ...] = ()
    variants: tuple[tuple[str, tuple[FormField, ...]], ...] = ()
    discriminator: str = ""
    #: Whether `{base64: …}` may be given instead of text.
    takes_bytes: bool = False

    def fields_of(self, value: Any) -> tuple[FormField, ...]:
        """Return the fields of the object `value`: those of the group, or of its variant."""
        if self.kind is Kind.VARIANTS and isinstance(value, Mapping):
            return dict(self.variants).get(value.get(self.discriminator, ""), ())
        return self.fields


_NAMES = {
    Kind.TEXT: "text",
    Kind.LONG_TEXT: "text",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "true or false",
    Kind.SCALAR: "text or number",
    Kind.LINES: "list of text",
    Kind.PAIRS: "names and values",
    Kind.VALUE: "any value",
}
_SCALARS = {"string": Kind.TEXT, "integer": Kind.INTEGER, "number": Kind.NUMBER, "boolean": Kind.BOOLEAN}


@cache
def form_fields(model: type[BaseModel]) -> tuple[FormField, ...]:
    """Return the fields of the model by their wire names, in the order of their declaration."""
    schema = model.model_json_schema(by_alias=True)
    secrets = model.secret_fields() if issubclass(model, ConnectionConfig) else frozenset()
    return _fields(schema, schema.get("$defs", {}), secrets, depth=0)


def _fields(
    schema: Schema, definitions: Schema, secrets: frozenset[str] = frozenset(), *, depth: int
) -> tuple[FormField, ...]:
    required = schema.get("required", ())
    return tuple(
        _field(name, each, definitions, required=name in required, secret=name in secrets, depth=depth)
        for name, each in schema.get("properties", {}).items()
        if "const" not in each
    )


def _field(
    name: str, raw: Schema, definitions: Schema, *, required: bool, secret: bool, depth: int
) -> FormField:
    takes_bytes = _BYTES in raw.get("anyOf", ())
    schema = _resolved(_without_bytes(raw), definitions)
    kind = _kind(schema, depth)
    choices = tuple(str(each) for each in schema.get("enum", ()))
    return FormField(
        name=name,
        kind=kind,
        type_name=_NAMES.get(kind) or _names(schema, choices),
        description=raw.get("description", "")
        or ("" if "properties" in schema else schema.get("description", "")),
        required=required,
        secret=secret,
        default=raw.get("default"),
        choices=choices,
        fields=_fields(schema, definitions, depth=depth + 1) if kind is Kind.GROUP else (),
        variants=_variants(schema, definitions, depth) if kind is Kind.VARIANTS else (),
        discriminator=schema.get("discriminator", {}).get("propertyName", ""),
        takes_bytes=takes_bytes,
    )


def _without_bytes(schema: Schema) -> Schema:
    """Return the schema without the alternative of bytes: they are typed into the field for the text."""
    if "anyOf" not in schema:
        return schema
    return {**schema, "anyOf": [each for each in schema["anyOf"] if each != _BYTES]}


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema with `$ref` followed and `| null` removed."""
    if "$ref" in schema:
        target = definitions.get(schema["$ref"].rpartition("/")[2], {})
        return _resolved(
            {**target, **{key: value for key, value in schema.items() if key != "$ref"}}, definitions
        )
    others = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(others) != 1:
        return schema
    outer = {key: value for key, value in schema.items() if key != "anyOf"}
    return _resolved({**others[0], **outer}, definitions)


def _kind(schema: Schema, depth: int) -> Kind:
    if "enum" in schema:
        return Kind.CHOICE
    if "properties" in schema:
        return Kind.GROUP if depth < MAX_DEPTH else Kind.VALUE
    if "discriminator" in schema:
        return Kind.VARIANTS if depth < MAX_DEPTH else Kind.VALUE
    if "anyOf" in schema:
        return (
            Kind.SCALAR
            if all(each.get("type") in (*_SCALARS, "null") for each in schema["anyOf"])
            else Kind.VALUE
        )
    return _plain_kind(schema)


def _plain_kind(schema: Schema) -> Kind:
    match schema.get("type"):
        case "string":
            return Kind.LONG_TEXT if _is_long(schema) else Kind.TEXT
        case "array":
            items = schema.get("items", {})
            return Kind.LINES if items.get("type") == "string" and "enum" not in items else Kind.VALUE
        case "object":
            return Kind.PAIRS
        case other:
            return _SCALARS.get(str(other), Kind.VALUE)


def _is_long(schema: Schema) -> bool:
    if "PEM" in schema.get("description", ""):
        return True
    return schema.get("maxLength", 0) >= LONG_TEXT and schema.get("format") != "password"


def _names(schema: Schema, choices: tuple[str, ...]) -> str:
    if "properties" in schema:
        return "object"
    return "one of " + ", ".join(choices or schema["discriminator"]["mapping"])


def _variants(
    schema: Schema, definitions: Schema, depth: int
) -> tuple[tuple[str, tuple[FormField, ...]], ...]:
    return tuple(
        (name, _fields(_resolved({"$ref": reference}, definitions), definitions, depth=depth + 1))
        for name, reference in schema["discriminator"]["mapping"].items()
    )
