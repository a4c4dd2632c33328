"""`matchesSchema`: JSON Schema 2020-12, made safe for schemas that users write.

Nothing is fetched: `$ref` reaches the schema itself and the metaschemas only. Regular expressions run on RE2. The work
is limited, because a few lines of `$ref` can need exponential time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from itertools import islice
from typing import Any, cast

from jsonschema import Draft202012Validator, SchemaError, ValidationError, validators
from jsonschema_specifications import REGISTRY as _PUBLISHED  # type: ignore[import-untyped]  # ships no types
from referencing import Registry
from referencing.jsonschema import specification_with

from steprunners.assertions import json_schema_numbers as numbers
from steprunners.assertions.comparisons import Difference
from steprunners.assertions.json_schema_numbers import Keyword
from steprunners.budgets.effort import Stopped, tick
from steprunners.json_types import Json
from steprunners.masking.display import show
from steprunners.masking.known_secrets import shorten
from steprunners.values.patterns import PatternError, compile_regex

MAX_KEYWORDS = 200_000
# Checking against the metaschema ends for every schema, and `effort` limits its time.
_WITHOUT_END = 10**9
#: A keyword counts once more for each of this many members.
_MEMBERS = 8
_DATA_KEYWORDS = frozenset({"const", "enum", "default", "examples"})

_keywords_left: ContextVar[int] = ContextVar("keywords_left", default=MAX_KEYWORDS)


class SchemaProblem(Exception):
    """The schema cannot be used."""


def check_schema(schema: Json) -> None:
    """Raise SchemaProblem where `schema` is not JSON Schema 2020-12, or RE2 refuses one of its regular expressions."""
    if not isinstance(schema, (dict, bool)):
        raise SchemaProblem("a JSON Schema must be an object or a boolean")
    try:
        _check_against_metaschema(schema)
        for pattern in _patterns(schema):
            compile_regex(pattern)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path))
        raise SchemaProblem(
            f"not a JSON Schema: {_message(error)}" + (f" at {place}" if place else "")
        ) from error
    except PatternError as error:
        raise SchemaProblem(str(error)) from error
    except RecursionError as error:
        raise SchemaProblem("the schema is nested too deeply") from error


def _check_against_metaschema(schema: Json) -> None:
    # What `Draft202012Validator.check_schema` does, with keywords that count their work.
    token = _keywords_left.set(_WITHOUT_END)
    try:
        for error in _VALIDATOR(_METASCHEMA, registry=_REGISTRY).iter_errors(schema):
            raise SchemaError.create_from(error)
    finally:
        _keywords_left.reset(token)


def schema_differences(actual: Json, schema: Json, limit: int) -> list[Difference]:
    """Return up to `limit` places where `actual` does not match `schema`, which `check_schema` has accepted.

    Raises SchemaProblem where the schema cannot be applied, such as for a `$ref` that leads nowhere or never ends.
    """
    token = _keywords_left.set(MAX_KEYWORDS)
    try:
        errors = list(
            islice(_VALIDATOR(_without_dialects(schema), registry=_REGISTRY).iter_errors(actual), limit)
        )
    except _BudgetSpent as error:
        raise SchemaProblem("the schema needs too much work on this value") from error
    except RecursionError as error:
        raise SchemaProblem("the schema or the value is nested too deeply") from error
    except Stopped:
        raise
    except (
        Exception
    ) as error:  # a $ref may lead to a value that is no schema: the library then raises anything
        raise SchemaProblem(f"the schema cannot be applied: {shorten(error, 200)}") from error
    finally:
        _keywords_left.reset(token)
    return [Difference(tuple(error.absolute_path), error.instance, None, _message(error)) for error in errors]


def _message(error: ValidationError | SchemaError) -> str:
    if not error.validator:  # the schema `false`, for which the library gives no keyword
        return f"is a value that the schema does not allow: {show(cast('Json', error.instance))}"
    if error.validator in ("required", "dependentRequired", "additionalProperties", "unevaluatedProperties"):
        return f"does not match: {error.message}"
    value, wanted = show(cast("Json", error.instance)), show(cast("Json", error.validator_value))
    return f"is {value}, which does not satisfy {error.validator}: {wanted}"


def _children(schema: dict[str, Any]) -> Iterator[Any]:
    for keyword, value in schema.items():
        if keyword not in _DATA_KEYWORDS:
            yield value


def _patterns(schema: Any) -> Iterator[str]:
    waiting: list[Any] = [schema]
    while waiting:
        tick()
        each = waiting.pop()
        if isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, dict):
            if isinstance(each.get("pattern"), str):
                yield each["pattern"]
            if isinstance(each.get("patternProperties"), dict):
                yield from each["patternProperties"]
            waiting.extend(_children(each))


def _without_dialects(schema: Any) -> Any:
    # `$schema` would make the library use its own class for that part, with `re` and without limits.
    if isinstance(schema, list):
        return [_without_dialects(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value if key in _DATA_KEYWORDS else _without_dialects(value)
        for key, value in schema.items()
        if key != "$schema" or not isinstance(value, str)
    }


# --- keywords -------------------------------------------------------------------------------------


class _BudgetSpent(Exception):
    pass


def _counted(keyword: Keyword) -> Keyword:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        tick()
        left = _keywords_left.get() - 1 - (len(value) // _MEMBERS if isinstance(value, (list, dict)) else 0)
        if left < 0:
            raise _BudgetSpent
        _keywords_left.set(left)
        return keyword(validator, value, instance, schema)

    return counted


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not compile_regex(pattern).search(instance):
        yield ValidationError("")


def _pattern_properties(
    validator: Any, patterns: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in patterns.items():
        for key, value in instance.items():
            if compile_regex(pattern).search(key):
                yield from validator.descend(value, subschema, path=key, schema_path=pattern)


def _additional_properties(
    validator: Any, subschema: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    yield from _others(validator, subschema, instance, instance.keys() - _own_keys(instance, schema))


def _unevaluated_properties(
    validator: Any, subschema: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    others = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
    keys = instance.keys() - _evaluated_keys(validator, instance, others)
    yield from _others(validator, subschema, instance, keys)


def _others(
    validator: Any, subschema: Any, instance: dict[str, Any], keys: set[str]
) -> Iterator[ValidationError]:
    if subschema is False and keys:
        yield ValidationError(f"{', '.join(map(repr, sorted(keys)))} not allowed")
        return
    for key in sorted(keys):
        yield from validator.descend(instance[key], subschema, path=key)


def _own_keys(instance: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    patterns = [compile_regex(pattern) for pattern in schema.get("patternProperties", {})]
    named: set[str] = instance.keys() & schema.get("properties", {}).keys()
    return named | {key for key in instance if any(pattern.search(key) for pattern in patterns)}


def _evaluated_keys(validator: Any, instance: dict[str, Any], schema: Any) -> set[str]:
    """Return the keys that `schema`, or a schema that it applies here, evaluates (2020-12 core, 11.3)."""
    if isinstance(schema, bool):
        return set()
    if "additionalProperties" in schema or "unevaluatedProperties" in schema:
        return set(instance)  # where the instance is valid; where it is not, that is reported anyway
    keys = _own_keys(instance, schema)
    for applied_by, applied in _applied(validator, instance, schema):
        keys |= _evaluated_keys(applied_by, instance, applied)
    return keys


def _applied(validator: Any, instance: dict[str, Any], schema: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the subschemas that `schema` applies in place and that hold, each with the validator to use for it."""
    # `_resolver` is private. A keyword has no public way to follow a `$ref`; jsonschema's own keywords use it, too.
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            found = validator._resolver.lookup(schema[keyword])
            yield validator.evolve(schema=found.contents, _resolver=found.resolver), found.contents
    candidates = [each for keyword in ("allOf", "anyOf", "oneOf") for each in schema.get(keyword, [])]
    candidates += [each for key, each in schema.get("dependentSchemas", {}).items() if key in instance]
    if "if" in schema:
        holds = validator.evolve(schema=schema["if"]).is_valid(instance)
        candidates += [schema["if"]] if holds else []
        candidates += [schema[key] for key in ("then" if holds else "else",) if key in schema]
    for candidate in candidates:
        if validator.evolve(schema=candidate).is_valid(instance):
            yield validator, candidate


_SAFE: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
    "unevaluatedProperties": _unevaluated_properties,
    "uniqueItems": numbers.unique_items,
    "const": numbers.const,
    "enum": numbers.enum,
    "minimum": numbers.bound(lambda found: found >= 0),
    "exclusiveMinimum": numbers.bound(lambda found: found > 0),
    "maximum": numbers.bound(lambda found: found <= 0),
    "exclusiveMaximum": numbers.bound(lambda found: found < 0),
    "multipleOf": numbers.multiple_of,
}
_VALIDATOR: Any = validators.extend(  # type: ignore[no-untyped-call]  # untyped in its stubs
    Draft202012Validator,
    {name: _counted(keyword) for name, keyword in {**Draft202012Validator.VALIDATORS, **_SAFE}.items()},
    type_checker=numbers.TYPES,
)


def _counted_registry() -> Registry[Any]:
    """Return the published metaschemas without `$schema`, so that the work of a `$ref` to one is counted too."""
    resources = [
        (uri, specification_with(contents["$schema"]).create_resource(_without_dialects(contents)))
        for uri in _PUBLISHED
        if "$schema" in (contents := _PUBLISHED.contents(uri))
    ]
    return Registry().with_resources(resources).crawl()


_REGISTRY = _counted_registry()
_METASCHEMA = _without_dialects(Draft202012Validator.META_SCHEMA)
