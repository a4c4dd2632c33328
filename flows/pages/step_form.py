"""The form of one step, made from the schemas of its type and of the envelope, and kept in step with the YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.documents.parsing import MAX_DEPTH, MAX_NODES
from flows.editing.edits import CannotEdit, remove, set_value
from flows.editing.step_places import StepPlace
from flows.problems import FlowInvalid, Place
from flows.yaml.scalars import NotJSON, read_plain
from flows.yaml.text import read_yaml, write_inline, write_yaml
from resources.pages.config_form import BoundField, bound_fields
from steprunners.documents.envelope import StepEnvelope
from steprunners.documents.form_fields import FormField, Kind, form_fields
from steprunners.json_types import Json
from steprunners.registry import find_runner
from steprunners.runner import AnyRunner

#: What the envelope's schema does not say in words.
_HINTS = {
    "name": "Later steps refer to it as ${name...}.",
    "assertions": "What has to be true: a list of {field, operator, expectedValue}.",
    "extract": "Variables from the result: name: path.",
    "timeoutMs": "Time limit of one attempt; default 30000.",
    "when": "A condition: {left, operator, right}. The step is skipped if it is false.",
    "retry": "Try again after a failure.",
    "until": "Repeat until the assertions pass, or the time is up.",
    "forEach": "A list, or a reference to one: runs once for each ${item}.",
    "disabled": "Skip it.",
    "runInBackground": "Start it and continue without waiting.",
    "continueOnFailure": "Continue after it fails; the run still ends FAILED.",
    "alwaysRun": "Clean-up: runs after all others, whatever happened.",
}
#: Of the envelope: what is asked for first, and what the form does not change.
_FIRST = ("name", "description")
_NOT_ASKED = frozenset({"id", "stepType", "meta"})
#: `{base64: …}`, typed into a field for text.
_BYTES = re.compile(r"""\s*\{\s*["']?base64["']?\s*:""")
_NUMBERS = {Kind.INTEGER: (int,), Kind.NUMBER: (int, float), Kind.SCALAR: (int, float), Kind.BOOLEAN: (bool,)}


@dataclass
class StepForm:
    """The form of the step at `place`; without a known step type `runner` is None and `meta` empty."""

    place: StepPlace
    runner: AnyRunner | None
    head: list[BoundField]
    meta: list[BoundField]
    around: list[BoundField]

    @property
    def shape(self) -> str:
        """What tells forms with other fields from this one; equal shapes differ in texts alone."""
        chosen = [each.text for each in self.meta if each.variants]
        return json.dumps([self.place.dotted, self.runner.type if self.runner else None, *chosen])

    @property
    def is_more(self) -> bool:
        """Whether the step has more around it than a name."""
        return any(_has_text(each) for each in self.around)


def _has_text(bound: BoundField) -> bool:
    return bool(bound.text) or any(map(_has_text, bound.fields))


def form_of(place: StepPlace) -> StepForm:
    """Return the form of the step, filled in."""
    runner = runner_of(place.step)
    meta = place.step.get("meta")
    fields = form_fields(runner.config_class) if runner else ()
    envelope = _bound(_envelope_fields(), place.step, place.dotted)
    for each in envelope:
        each.hint = each.hint or _HINTS.get(each.field.name, "")
    return StepForm(
        place=place,
        runner=runner,
        head=[each for each in envelope if each.field.name in _FIRST],
        meta=_bound(fields, meta if isinstance(meta, dict) else {}, f"{place.dotted}.meta"),
        around=[each for each in envelope if each.field.name not in _FIRST],
    )


def runner_of(step: Mapping[str, Any]) -> AnyRunner | None:
    """Return the runner of the step's type, where there is one."""
    return find_runner(step.get("stepType"))


def _envelope_fields() -> list[FormField]:
    return [each for each in form_fields(StepEnvelope) if each.name not in _NOT_ASKED]


def _bound(fields: Iterable[FormField], value: Mapping[str, Json], prefix: str) -> list[BoundField]:
    fields = list(fields)
    return bound_fields(fields, _texts(fields, value, prefix), prefix=prefix)


# --- values to texts ------------------------------------------------------------------------------


def _texts(fields: Iterable[FormField], value: Mapping[str, Json], prefix: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for each in fields:
        inner = value.get(each.name)
        place = f"{prefix}.{each.name}"
        if isinstance(inner, dict) and each.kind in (Kind.GROUP, Kind.VARIANTS):
            texts[place] = str(inner.get(each.discriminator, ""))
            texts |= _texts(each.fields_of(inner), inner, place)
        elif inner is not None:
            texts[place] = _text(each, inner)
    return texts


def _text(each: FormField, value: Json) -> str:
    if each.kind is Kind.VALUE:
        return _as_yaml(value)
    if isinstance(value, str):
        return value
    if each.takes_bytes:
        return json.dumps(value)
    if each.kind is Kind.LINES and isinstance(value, list) and all(_is_line(line) for line in value):
        return "\n".join(map(str, value))
    return _as_yaml(value)


def _is_line(value: Json) -> bool:
    return isinstance(value, str) and value.strip() == value != "" and len(value.splitlines()) == 1


def _as_yaml(value: Json) -> str:
    is_block = isinstance(value, (dict, list)) and bool(value)
    return write_yaml(value).rstrip("\n") if is_block else write_inline(value)


# --- texts to values ------------------------------------------------------------------------------


def edited(text: str, step: StepPlace, below: Place, typed: str) -> str:
    """Return the YAML text after `typed` was put into the field `below` the step; nothing typed takes the key away.

    Raises CannotEdit with what is wrong with what was typed, or with the place.
    """
    field = _field_at(step.step, below)
    place = (*step.place, *below)
    if typed.strip() == "":
        return _removed(text, step, below)
    return set_value(text, place, _value(field, typed))


def _field_at(step: Mapping[str, Any], below: Place) -> FormField:
    runner = runner_of(step)
    fields: Iterable[FormField] = _envelope_fields()
    value: Any = step
    if below[:1] == ("meta",):
        fields = form_fields(runner.config_class) if runner else ()
        value, below = step.get("meta"), below[1:]
    found = None
    for name in below:
        found = next((each for each in fields if each.name == name), None)
        value = value.get(name) if isinstance(value, dict) and found else None
        fields = found.fields_of(value) if found else ()
    if found is None or found.kind is Kind.GROUP:
        raise CannotEdit("there is no such field")
    return found


def _removed(text: str, step: StepPlace, below: Place) -> str:
    """Take the key away, and an object around it that would be left empty."""
    value: Any = step.step
    for part in below[:-1]:
        value = value.get(part) if isinstance(value, dict) else None
    if not isinstance(value, dict) or below[-1] not in value:
        return text
    is_last = len(value) == 1 and len(below) > 1 and below[:-1] != ("meta",)
    return _removed(text, step, below[:-1]) if is_last else remove(text, (*step.place, *below))


def _value(field: FormField, typed: str) -> Json:
    typed = typed.replace("\r\n", "\n")
    if field.kind is Kind.VARIANTS:
        return {field.discriminator: typed}
    if field.kind in _NUMBERS:
        return _number(typed.strip(), _NUMBERS[field.kind])
    if field.kind is Kind.LINES:
        return [line.strip() for line in typed.split("\n") if line.strip()]
    if field.kind in (Kind.PAIRS, Kind.VALUE) or (field.takes_bytes and _BYTES.match(typed)):
        return _read(typed)
    return typed


def _number(typed: str, types: tuple[type, ...]) -> Json:
    """Return a value of those types, or the text: it may be a reference, or wrong, which the check says."""
    try:
        value = read_plain(typed)
    except NotJSON:
        return typed
    return value if type(value) in types else typed


def _read(typed: str) -> Json:
    try:
        documents = read_yaml(typed, max_nodes=MAX_NODES, max_depth=MAX_DEPTH)
    except FlowInvalid as error:
        raise CannotEdit(error.problems[0].message) from error
    if len(documents) != 1:
        raise CannotEdit("one value was expected")
    return documents[0]
