"""The form of a resource's config: values to texts and back, and what is wrong beside its field.

Between the two stands a plain `{place: text}`, which is both what a form sends and what fills it in again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of  # a bound field has a `field` of its own

from resources.selectors import NOT_SECRET
from steprunners.documents.form_fields import FormField, Kind
from steprunners.documents.problems import Problem
from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.values.json_text import dumps, loads

Texts = Mapping[str, str]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]+)?\Z")
#: What a form sends beside the field of a secret to take its value away.
REMOVE = ".remove"


@dataclass
class BoundField:
    """A field with its text, and what is wrong with it; `place` is its name in the form, and that of problems.

    `variant` is the kind of object that the field is of, where there are several: their fields may share a place.
    """

    field: FormField
    place: str
    text: str
    variant: str = ""
    is_set: bool = False
    is_masked: bool = False
    hint: str = ""
    fields: list[BoundField] = field_of(default_factory=list)
    variants: list[tuple[str, list[BoundField]]] = field_of(default_factory=list)
    problems: list[str] = field_of(default_factory=list)

    @property
    def id(self) -> str:
        """The field's id on the page."""
        return f"{self.place}.{self.variant}" if self.variant else self.place

    @property
    def default_text(self) -> str:
        """What holds where the field is left empty."""
        return "" if self.field.default in (None, "") else text_of(self.field, self.field.default)

    @property
    def has_other_text(self) -> bool:
        """Whether the text is none of the choices: it must not be lost by looking at it."""
        choices = ("true", "false") if self.field.kind is Kind.BOOLEAN else self.field.choices
        return self.text != "" and self.text not in choices


def bound_fields(
    fields: Iterable[FormField],
    texts: Texts,
    set_secrets: Iterable[str] = (),
    problems: Sequence[Problem] = (),
    *,
    prefix: str = "config",
) -> list[BoundField]:
    """Return the fields with their texts; `set_secrets` are the names of secrets that are kept."""
    kept = frozenset(f"{prefix}.{name}" for name in set_secrets)
    return _Binding(texts, kept, problems).bind(fields, prefix)


@dataclass
class _Binding:
    """What the fields of one form are bound to."""

    texts: Texts
    kept: frozenset[str]
    problems: Sequence[Problem]

    def bind(
        self, fields: Iterable[FormField], prefix: str, *, is_secret: bool = False, variant: str = ""
    ) -> list[BoundField]:
        """Return the fields below `prefix`, in a secret object or in one of several kinds of object."""
        return [self._bound(each, f"{prefix}.{each.name}", is_secret, variant) for each in fields]

    def _bound(self, each: FormField, place: str, is_secret: bool, variant: str) -> BoundField:
        secret = is_secret or each.secret
        one = BoundField(
            each, place, self.texts.get(place, ""), variant, place in self.kept, hint=each.description
        )
        one.is_masked = secret and each.name not in NOT_SECRET
        one.fields = self.bind(each.fields, place, is_secret=secret)
        one.variants = [
            (name, self.bind(inner, place, is_secret=secret, variant=name)) for name, inner in each.variants
        ]
        one.problems = [each.message for each in self.problems if each.place in _places(one)]
        return one


def _places(bound: BoundField) -> tuple[str, ...]:
    return (bound.place, f"{bound.place}.{bound.field.discriminator}")


def shown_places(fields: Iterable[BoundField]) -> set[str]:
    """Return the places at which these fields tell what is wrong."""
    places: set[str] = set()
    for each in fields:
        places |= {*_places(each), *shown_places(each.fields)}
        for _, inner in each.variants:
            places |= shown_places(inner)
    return places


# --- values to texts ------------------------------------------------------------------------------


def texts_of(
    fields: Iterable[FormField], config: Mapping[str, Json], prefix: str = "config"
) -> dict[str, str]:
    """Return the text of every value that is shown; secrets have none."""
    texts: dict[str, str] = {}
    for each in fields:
        value = config.get(each.name)
        if value is None or each.secret:
            continue
        place = f"{prefix}.{each.name}"
        if isinstance(value, dict) and each.kind in (Kind.GROUP, Kind.VARIANTS):
            texts[place] = str(value.get(each.discriminator, ""))
            texts |= texts_of(each.fields_of(value), value, place)
        else:
            texts[place] = text_of(each, value)
    return texts


def text_of(each: FormField, value: Json) -> str:
    """Return the value as its field shows it."""
    if each.kind is Kind.PAIRS and isinstance(value, dict):
        return "\n".join(f"{name}: {_plain(inner)}" for name, inner in value.items())
    if each.kind is Kind.LINES and isinstance(value, list):
        return "\n".join(map(_plain, value))
    return _plain(value)


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else dumps(value, ensure_ascii=False)


# --- texts to values ------------------------------------------------------------------------------


def config_of(fields: Iterable[FormField], texts: Texts, set_secrets: Iterable[str]) -> dict[str, Json]:
    """Return the config that the texts say; a secret without text keeps its value, unless it is to be removed.

    Text that is not of its field's type stays text: the check of the config says what is wrong with it.
    """
    kept = frozenset(set_secrets)
    config = _object(fields, texts, "config")
    for name in kept - config.keys():
        if not texts.get(f"config.{name}{REMOVE}"):
            config[name] = MASK
    return config


def _object(fields: Iterable[FormField], texts: Texts, prefix: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for each in fields:
        place = f"{prefix}.{each.name}"
        if each.kind is Kind.GROUP:
            value: Json = _object(each.fields, texts, place) or None
        elif each.kind is Kind.VARIANTS:
            value = _variant(each, texts, place)
        else:
            value = _value(each, texts.get(place, ""))
        if value is not None:
            found[each.name] = value
    return found


def _variant(each: FormField, texts: Texts, place: str) -> Json:
    chosen = texts.get(place, "")
    inner = dict(each.variants).get(chosen)
    if inner is None:
        return chosen or None
    return {each.discriminator: chosen, **_object(inner, texts, place)}


def _value(each: FormField, text: str) -> Json:
    if not text.strip():
        return None
    return _READ[each.kind](text) if each.kind in _READ else text


def _number(text: str) -> Json:
    return _json(text) if _NUMBER.match(text.strip()) else text


def _pairs(text: str) -> Json:
    """Return an object from lines of `name: value`, or from one written as JSON."""
    if text.lstrip().startswith("{"):
        return _json(text)
    pairs: dict[str, Json] = {}
    for line in filter(str.strip, text.splitlines()):
        name, colon, value = line.partition(":")
        if not colon or name.strip() in pairs:
            return text  # what is no object is refused at its place
        pairs[name.strip()] = value.strip()
    return pairs


def _json(text: str) -> Json:
    try:
        value: Json = loads(text)
    except (ValueError, RecursionError):
        return text
    return value


_READ: Mapping[Kind, Callable[[str], Json]] = {
    Kind.INTEGER: _number,
    Kind.NUMBER: _number,
    Kind.SCALAR: _number,
    Kind.BOOLEAN: lambda text: {"true": True, "false": False}.get(text, text),
    Kind.LINES: lambda text: [line.strip() for line in text.splitlines() if line.strip()],
    Kind.PAIRS: _pairs,
    Kind.VALUE: _json,
    Kind.LONG_TEXT: lambda text: text.replace("\r\n", "\n"),  # as forms send line breaks
}
