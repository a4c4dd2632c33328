"""Writes the page on step types from the registry, so that the page says what the code declares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from steprunners.config import ConnectionConfig
from steprunners.registry import step_types
from steprunners.runner import AnyRunner

_HEAD = """# Step types

<!-- Written by `manage.py steptypes_docs` from steprunners/kinds/; do not edit by hand. -->

Every result also has `durationMs`. The fields around `meta` (retry, until, assertions …) are the same for every type.
"""


def step_types_page() -> str:
    """Return the Markdown page on every step type."""
    return _HEAD + "".join(f"\n{section}\n" for runner in step_types() for section in _sections(runner))


def _sections(runner: AnyRunner) -> Iterator[str]:
    yield f"## {runner.label}: `{runner.type}`"
    also = ", ".join(f"`{alias}`" for alias in runner.aliases)
    yield runner.description + (f" Also accepted: {also}." if also else "")
    yield f"```yaml\n{yaml.safe_dump(runner.example, sort_keys=False, allow_unicode=True).strip()}\n```"
    yield f"**`meta`**\n\n{_table(runner.config_class)}"
    yield f"**Result**\n\n{_table(runner.result_class, with_defaults=False)}"
    if runner.connection_class is not None:
        yield f"**Resource `{runner.resource_type}`**\n\n{_table(runner.connection_class)}"
    if runner.notes:
        yield runner.notes


def _table(model: type[BaseModel], *, with_defaults: bool = True) -> str:
    schema = model.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    secret = model.secret_fields() if issubclass(model, ConnectionConfig) else ()
    rows = ["| field | type | meaning |", "| --- | --- | --- |"]
    for name, field in schema["properties"].items():
        if name == "durationMs":
            continue
        notes = [field.get("description", "")]
        if with_defaults:
            notes.append("Required." if name in required else _default(field))
        if name in secret:
            notes.append("Secret: never shown again.")
        cells = (f"`{name}`", _type(field, schema.get("$defs", {})), " ".join(filter(None, notes)))
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    return "" if default is None else f"Default: `{json.dumps(default)}`."


def _type(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return a short name of a field's type: `string`, `list of integer`, `one of "a", "b"`."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return (
            "any" if name == "JsonValue" else _type({"title": name, **definitions.get(name, {})}, definitions)
        )
    if "enum" in field:
        return "one of " + ", ".join(f"`{value}`" for value in field["enum"])
    if alternatives := field.get("anyOf") or field.get("oneOf"):
        shown = [_type(each, definitions) for each in alternatives if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(shown))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}), definitions)}"
    return _object_or_scalar(field)


def _object_or_scalar(field: Mapping[str, Any]) -> str:
    if "properties" not in field:
        return str(field.get("type", "any"))
    return "object (" + ", ".join(f"`{name}`" for name in field["properties"]) + ")"
