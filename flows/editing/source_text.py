"""The YAML text of a version: as it was written, comments and layout too, or else made from the document."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flows.documents.document import MASK, FlowDocument
from flows.documents.parsing import parse_body
from flows.documents.steps import inline_steps, put_inline
from flows.editing.edits import YAML, CannotEdit, remove, set_value
from flows.models import FlowVersion
from flows.presentation import portable_json
from flows.problems import FlowInvalid, Place
from flows.selectors import load_readable
from flows.yaml.text import write_yaml
from steprunners.json_types import Json
from steprunners.masking.masker import Masker

#: What begins or ends a document: such a text cannot stand among others as it is.
_DOCUMENT_MARK = re.compile(r"^(?:---|\.\.\.|%)", re.MULTILINE)


def text_of(version: FlowVersion) -> str:
    """Return the text as it was saved, else as a person would write it: no empty parts, no ids of steps.

    Saving finds the ids again by the names of the steps.
    """
    if version.source:
        text: str = version.source
        return text
    return _made(version)


def texts_to_compare(before: FlowVersion, after: FlowVersion) -> tuple[str, str]:
    """Return the texts of two versions: as they were written where both were, so that only changes differ."""
    text = text_of if before.source and after.source else _made
    return text(before), text(after)


def _made(version: FlowVersion) -> str:
    shown = {key: value for key, value in load_readable(version).to_json().items() if value or key == "steps"}
    return write_yaml({**shown, "steps": _without_ids(shown["steps"])})


def _without_ids(steps: Any) -> list[Json]:
    shown: list[Json] = []
    for step in steps:
        bare = {key: value for key, value in step.items() if key != "id"}
        if inner := {each.place: _without_ids(each.steps) for each in inline_steps(step)}:
            bare["meta"] = put_inline(step["meta"], inner)
        shown.append(bare)
    return shown


def keepable(text: str, document: FlowDocument) -> str:
    """Return the text that `document` was read from with its secret defaults masked; "" where they would stay in it."""
    try:
        masked = _secret_defaults(text, _masked)
    except (CannotEdit, FlowInvalid):
        return ""
    secrets = [str(value) for value in document.secret_defaults().values() if value != MASK]
    return masked if Masker(secrets).mask(masked) == masked else ""  # in a comment, say


def _masked(text: str, place: Place) -> str:
    masked = set_value(text, place, MASK)
    # What is masked already stays as it was written: saving what the editor shows is no change.
    return text if parse_body(masked.encode(), YAML) == parse_body(text.encode(), YAML) else masked


def portable_text(version: FlowVersion) -> str:
    """Return the text for another installation: without the defaults of secret variables."""
    if version.source and not _DOCUMENT_MARK.search(version.source):
        try:
            return _secret_defaults(version.source, remove).rstrip("\n") + "\n"
        except (CannotEdit, FlowInvalid):
            pass  # the secrets cannot be taken out of this text: made anew it has none
    return write_yaml(portable_json(version))


def _secret_defaults(text: str, edit: Callable[[str, Place], str]) -> str:
    """Return the text after `edit` of the place of each secret variable's default."""
    variables: Any = parse_body(text.encode(), YAML).get("variables") or []
    for index, variable in enumerate(variables):
        if variable.get("secret") is True and "defaultValue" in variable:
            text = edit(text, ("variables", index, "defaultValue"))
    return text
