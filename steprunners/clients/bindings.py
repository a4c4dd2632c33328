"""Which fields of a connection say who gets its secrets, and how well protected they get there.

Whoever may change a resource need not know its secrets: by another host, another authority to trust, or TLS switched
off they could have them sent to where they can be read. So a stored secret stays only where all these fields do. A
field says by an annotation what it is: `FREE` says nothing of that, `protects(…)` may become stronger, of the URL of a
`SERVER` the path does not count. A field without an annotation is bound: what is forgotten is asked for too often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from steprunners.config import ConnectionConfig
from steprunners.json_types import Json


@dataclass(frozen=True)
class Binding:
    """How a field is bound: by what of its value (`meaning`); `strengths` are what that may be, the weakest first."""

    is_free: bool = False
    meaning: Callable[[Any], Any] = field(default=lambda value: value)
    strengths: tuple[Any, ...] = ()


def protects(*strengths: Any, meaning: Callable[[Any], Any] = lambda value: value) -> Binding:
    """Return the binding of a field that may take these, the weakest first: only a weaker one counts as a change."""
    return Binding(meaning=meaning, strengths=strengths)


def _server(value: Any) -> Any:
    try:
        parts = urlsplit(str(value).strip().lower())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return value
    return (parts.scheme, parts.hostname, port)


BOUND = Binding()
FREE = Binding(is_free=True)
SERVER = Binding(meaning=_server)
#: A certificate: line breaks do not count, and an empty one is none.
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
        """Return what counts of its value; what the model refuses counts as it stands."""
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
        """Whether that is a weaker protection; of what is none of the strengths nobody knows."""
        strengths = self.binding.strengths
        if before not in strengths or after not in strengths:
            return True
        return strengths.index(after) < strengths.index(before)


@cache
def fields_of(model: type[ConnectionConfig]) -> tuple[BoundField, ...]:
    """Return every field that is not a secret itself, those of objects by themselves."""
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
    """The names of the fields by which somebody else gets the secrets, and of those that protect them less."""

    moved: tuple[str, ...]
    weakened: tuple[str, ...]


def changes(model: type[ConnectionConfig], before: Mapping[str, Json], after: Mapping[str, Json]) -> Changes:
    """Return which of the fields that bind secrets are other ones in `after`."""
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
