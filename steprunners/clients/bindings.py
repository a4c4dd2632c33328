"""Which fields of a connection decide who receives its secrets, and how well they are protected on the way.

A user who may change a resource need not know its secrets. With another host, another trusted authority, or TLS
switched off, such a user could send the secrets to a place where they can be read. So a stored secret is kept only
while none of these fields changes. The annotation of a field says what it is:

- `FREE`: it has no influence on who receives the secrets
- `protects(…)`: it may change to a stronger value, not to a weaker one
- `SERVER`: a URL whose path does not count
- none: any change counts. A forgotten annotation only makes the user enter the secrets once too often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from steprunners.config import ConnectionConfig
from steprunners.errors import BadConfig
from steprunners.json_types import Json
from steprunners.network.urls import ASCII_SPACE, normal_url, origin


@dataclass(frozen=True)
class Binding:
    """How a field is bound: `meaning` returns what counts of a value; `strengths` are its values, weakest first."""

    is_free: bool = False
    meaning: Callable[[Any], Any] = field(default=lambda value: value)
    strengths: tuple[Any, ...] = ()


def protects(*strengths: Any, meaning: Callable[[Any], Any] = lambda value: value) -> Binding:
    """Return the binding of a field with these values, the weakest first: only a weaker value counts as a change."""
    return Binding(meaning=meaning, strengths=strengths)


def _server(value: Any) -> Any:
    try:
        return origin(normal_url(str(value).strip(ASCII_SPACE)))
    except BadConfig:
        return value


BOUND = Binding()
FREE = Binding(is_free=True)
SERVER = Binding(meaning=_server)
#: A certificate: line breaks do not count, and an empty text means no certificate.
AUTHORITY = Binding(meaning=lambda value: "".join(str(value or "").split()))
VERIFIES = protects(False, True)


@dataclass(frozen=True)
class BoundField:
    """A field inside a config, by its wire path, and how it is bound."""

    path: tuple[str, ...]
    binding: Binding
    adapter: TypeAdapter[Any] = field(repr=False)
    default: Any = None
    is_required: bool = False

    @property
    def name(self) -> str:
        """Its path with dots."""
        return ".".join(self.path)

    def meaning(self, config: Mapping[str, Json]) -> Any:
        """Return what counts of the value; a value that the model refuses counts unchanged."""
        value: Any = config
        for key in self.path:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None and self.is_required:
            return None
        try:
            value = self.default if value is None else self.adapter.validate_python(value)
        except ValidationError:
            return value
        return self.binding.meaning(value)

    def weakens(self, before: Any, after: Any) -> bool:
        """Whether `after` protects less than `before`; an unknown value counts as weaker."""
        strengths = self.binding.strengths
        if before not in strengths or after not in strengths:
            return True
        return strengths.index(after) < strengths.index(before)


@cache
def fields_of(model: type[ConnectionConfig]) -> tuple[BoundField, ...]:
    """Return every field that is not a secret; the fields of an object are listed one by one."""
    return tuple(each for each in _fields(model, ()) if each.path[0] not in model.secret_fields())


def _fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[BoundField]:
    for name, info in model.model_fields.items():
        here = (*path, info.alias or name)
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner, here)
        else:
            yield BoundField(here, _binding(info), _adapter(info), _default(info), info.is_required())


def _binding(info: FieldInfo) -> Binding:
    return next((each for each in info.metadata if isinstance(each, Binding)), BOUND)


def _adapter(info: FieldInfo) -> TypeAdapter[Any]:
    return TypeAdapter(cast("Any", info.rebuild_annotation()))


def _default(info: FieldInfo) -> Any:
    return None if info.is_required() else info.get_default(call_default_factory=True, validated_data={})


@dataclass(frozen=True)
class Changes:
    """The names of the fields that send the secrets elsewhere (`moved`), and of those that protect them less."""

    moved: tuple[str, ...]
    weakened: tuple[str, ...]


def changes(model: type[ConnectionConfig], before: Mapping[str, Json], after: Mapping[str, Json]) -> Changes:
    """Return which of the fields that bind secrets have changed from `before` to `after`."""
    moved, weakened = [], []
    for each in fields_of(model):
        old, new = each.meaning(before), each.meaning(after)
        if each.binding.is_free or old == new:
            continue
        if not each.binding.strengths:
            moved.append(each.name)
        elif each.weakens(old, new):
            weakened.append(each.name)
    return Changes(tuple(moved), tuple(weakened))
