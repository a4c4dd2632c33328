"""The type of a JSON value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import JsonValue, ValidatorFunctionWrapHandler, WrapValidator


def _unchanged(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Check the value and keep it: pydantic's copy would lose the text of an ExactFloat."""
    check(value)
    return value


#: None, bool, int, float, str, list[Json] or dict[str, Json]; usable in annotations and in pydantic models.
if TYPE_CHECKING:
    Json: TypeAlias = JsonValue
else:
    Json = Annotated[JsonValue, WrapValidator(_unchanged)]
