"""The type of a JSON value."""

from __future__ import annotations

from typing import TypeAlias

from pydantic import JsonValue

#: None, bool, int, float, str, list[Json] or dict[str, Json]; usable in annotations and in pydantic models.
Json: TypeAlias = JsonValue
