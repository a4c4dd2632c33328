"""Turns the errors of pydantic into problems in words for a tester, each with its place in the document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from steprunners.documents.envelope import NAME_PATTERN, VariableType
from steprunners.documents.problems import Place, Problem, kind_of, problem_at
from steprunners.masking.known_secrets import shorten
from steprunners.references.resolution import holds_reference
from steprunners.values.suggestions import did_you_mean

#: In strict mode pydantic wants members of these classes, but a document has their values.
_ENUMS = {VariableType.__name__: ", ".join(each.value for each in VariableType)}

#: The most errors of one value: each takes time to write, and nobody reads more.
MAX_ERRORS = 1_000

Words = Callable[[Mapping[str, Any], Any], str]

_TYPES = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "model_attributes": "an object",
    "tuple": "a list",
    "set": "a list",
    "none_required": "null",
}


def problems_of(
    error: ValidationError,
    document: Any,
    model: type[BaseModel],
    place: Place = (),
    *,
    has_hints: bool = True,
    allows_references: bool = True,
) -> list[Problem]:
    """Return the problems that `error` found in `document`, which is at `place`; each place and wording once.

    Where all alternatives of a union failed, the place is named once. Where references are allowed, there is no problem
    for a value that contains one, nor for a union around it: its type is known only when it is resolved.
    """
    errors = error.errors(include_url=False)[:MAX_ERRORS]
    located = [_located(details, document) for details in errors]
    open_places = {
        each.union or each.place for each in located if allows_references and _is_open(each.details)
    }
    found: dict[Place, list[tuple[str, str]]] = {}
    for number, each in enumerate(located):
        if any(each.place[:length] in open_places for length in range(len(each.place) + 1)):
            continue
        words = _words(each.details, model if has_hints and number < 10 else None)
        found.setdefault(each.place, []).append((each.details["type"], words))
    return [problem for at, words in found.items() for problem in _merged((*place, *at), words)]


@dataclass(frozen=True, slots=True)
class _Located:
    """An error, its place in the document, and the place of the outermost union around it."""

    details: ErrorDetails
    place: Place
    union: Place | None


def _located(details: ErrorDetails, document: Any) -> _Located:
    """Remove the parts of a location that name alternatives of a union, not keys of the document."""
    place: list[int | str] = []
    union: Place | None = None
    for number, part in enumerate(details["loc"]):
        names_absent_key = details["type"] == "missing" and number == len(details["loc"]) - 1
        if _has(document, part):
            document = document[part]
        elif not names_absent_key:
            union = tuple(place) if union is None else union
            continue
        place.append(part)
    return _Located(details, tuple(place), union)


def _has(document: Any, part: int | str) -> bool:
    if isinstance(document, list):
        return isinstance(part, int) and part < len(document)
    return isinstance(document, dict) and part in document


def _is_open(details: ErrorDetails) -> bool:
    if details["type"] == "extra_forbidden":
        return False  # whatever its value will be, there is no such field
    value, tag = details["input"], details.get("ctx", {}).get("tag")
    texts = (
        [*value, tag] if isinstance(value, list) else [value, tag]
    )  # some validators report a list as a whole
    return any(isinstance(text, str) and holds_reference(text) for text in texts)


def _merged(place: Place, words: list[tuple[str, str]]) -> Iterator[Problem]:
    wanted = list(dict.fromkeys(text for _, text in words))
    is_union = len(wanted) > 1 and all(text.startswith("must be ") for text in wanted)
    if is_union:
        wanted = [
            " or ".join([wanted[0].partition(", not ")[0], *(_alternative(text) for text in wanted[1:])])
        ]
    for text in wanted:
        yield problem_at(place, words[0][0], _sentence(place, text))


def _alternative(text: str) -> str:
    return text.removeprefix("must be ").partition(", not ")[0]


def _sentence(place: Place, text: str) -> str:
    subject = next((part for part in reversed(place) if isinstance(part, str)), "the document")
    starts_whole = not text.startswith(("must ", "is "))
    return text if starts_whole else f"{subject} {text}"


def _words(details: ErrorDetails, hinting: type[BaseModel] | None) -> str:
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "extra_forbidden":
        name = str(details["loc"][-1])
        hint = did_you_mean(name, _field_names(hinting)) if hinting else ""
        return f"there is no field '{shorten(name, 80)}' here{hint}"
    if kind == "is_instance_of" and (names := _ENUMS.get(context["class"])):
        return _choices(names, value)
    if kind in ("literal_error", "enum"):
        return _choices(str(context["expected"]), value)
    if kind in _WORDS:
        return _WORDS[kind](context, value)
    wanted = _wanted_type(kind)
    return f"must be {wanted}, not {kind_of(value)}" if wanted else details["msg"]


def _wanted_type(kind: str) -> str | None:
    for suffix in ("_type", "_parsing", "_from_float", "_parsing_size"):
        if kind.endswith(suffix):
            return _TYPES.get(kind.removesuffix(suffix))
    return None


def _choices(expected: str, value: Any) -> str:
    names = [name.strip("'") for name in expected.replace(" or ", ", ").split(", ")]
    hint = did_you_mean(value, names) if isinstance(value, str) else ""
    return f"must be one of {', '.join(names)}{hint}" if len(names) > 1 else f"must be {names[0]}"


def _pattern(pattern: str) -> str:
    if pattern == NAME_PATTERN:
        return "must begin with a letter or _ and go on with at most 63 letters, digits, _ or -"
    return f"must match {pattern}"


def _value_error(context: Mapping[str, Any], _value: Any) -> str:
    return str(context["error"])


_WORDS: dict[str, Words] = {
    "missing": lambda _context, _value: "is required",
    "value_error": _value_error,
    "assertion_error": _value_error,
    "greater_than_equal": lambda context, _value: f"must be at least {context['ge']}",
    "greater_than": lambda context, _value: f"must be more than {context['gt']}",
    "less_than_equal": lambda context, _value: f"must be at most {context['le']}",
    "less_than": lambda context, _value: f"must be less than {context['lt']}",
    "string_too_short": lambda _context, _value: "must not be empty",
    "string_too_long": lambda context, _value: f"must have at most {context['max_length']} characters",
    "too_short": lambda context, _value: f"must have at least {context['min_length']} element(s)",
    "too_long": lambda context, _value: f"must have at most {context['max_length']} element(s)",
    "finite_number": lambda _context, _value: "must be a finite number",
    "string_pattern_mismatch": lambda context, _value: _pattern(context["pattern"]),
    "union_tag_not_found": lambda context, _value: f"must have a field {context['discriminator']}",
    "union_tag_invalid": lambda context, _value: (
        f"must have {context['discriminator']} set to one of {context['expected_tags']}, "
        f"not '{shorten(context['tag'], 40)}'"
    ),
}


@cache
def _field_names(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the wire names of the model's fields, and of those of all models inside it."""
    schema = model.model_json_schema(by_alias=True)
    objects = [schema, *schema.get("$defs", {}).values()]
    return tuple(dict.fromkeys(name for each in objects for name in each.get("properties", {})))
