"""How views are described in the OpenAPI document."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema as SpectacularSchema
from rest_framework import serializers


class ErrorItem(serializers.Serializer[Any]):
    """One thing that is wrong."""

    code = serializers.CharField(help_text="For programs, e.g. `required`.")
    detail = serializers.CharField(help_text="For people.")
    attr = serializers.CharField(
        allow_null=True, help_text="The place in the request, e.g. `steps.2.meta.url`."
    )


class ErrorBody(serializers.Serializer[Any]):
    """What every error answers."""

    type = serializers.CharField(help_text="`validation_error`, `client_error` or `server_error`.")
    errors = ErrorItem(many=True)  # type: ignore[assignment]  # the metaclass takes it; .errors stays


class AutoSchema(SpectacularSchema):
    """Describes a view, with the one shape of errors for every status of 400 and more."""

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> Any:
        bodies = super()._get_response_bodies(direction)
        if direction == "response":
            describe: Any = self._get_response_for_code  # it has no types
            bodies.setdefault("4XX", describe(ErrorBody, "4XX"))
            bodies.setdefault("503", describe(ErrorBody, "503"))
        return bodies


class Generator(SchemaGenerator):
    """Makes the document once a process: it is the same for everybody, open to all, and takes a second."""

    _made: ClassVar[Any] = None

    def get_schema(self, request: Any = None, public: bool = False) -> Any:  # noqa: ARG002  # called by keyword
        """Return the whole document."""
        kind = type(self)
        if kind._made is None:
            made = super().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # no types
            kind._made = _anything_once(made)
        return kind._made


#: What drf-spectacular writes for a JSON value that may be null: no value at all is one of these, for null is both.
_NULL_TWICE = [{}, {"type": "null"}]


def _anything_once(schema: Any) -> Any:
    """Return the document with the schema of any JSON value where it says "either that or null"."""
    if isinstance(schema, list):
        return [_anything_once(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _anything_once(each) for name, each in schema.items() if (name, each) != ("oneOf", _NULL_TWICE)
    }
