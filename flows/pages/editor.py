"""What the editor's checks answer: problems with their lines, and the draft that can be run as it stands."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from accounts.models import Team
from flows.documents.document import MASK, FlowDocument
from flows.documents.parsing import parse_body
from flows.documents.places import positions_of
from flows.documents.secret_warnings import warnings_of
from flows.models import Flow
from flows.problems import FlowInvalid, Problem
from flows.selectors import check_for_team
from steprunners.values.json_text import dumps

YAML = "application/yaml"


def check_text(team: Team, text: str, *, flow: Flow | None = None) -> FlowDocument:
    """Return the checked document that the text holds; raise FlowInvalid with everything wrong at once."""
    return check_for_team(team, parse_body(text.encode(), YAML), flow=flow)


def problems_json(text: str, problems: list[Problem]) -> list[dict[str, Any]]:
    """Return `[{code, detail, attr, line, column}]`; line and column count from 1, or are null."""
    shown = []
    for problem, position in zip(problems, positions_of(text, problems), strict=True):
        line, column = position or (None, None)
        shown.append({**problem.to_json(), "line": line, "column": column})
    return shown


def check_json(team: Team, text: str, *, flow: Flow | None = None) -> dict[str, Any]:
    """Return `{valid, errors}`, and of a valid text its warnings, the variables and the draft to run."""
    try:
        document = check_text(team, text, flow=flow)
    except FlowInvalid as error:
        return {"valid": False, "errors": problems_json(text, error.problems)}
    return {
        "valid": True,
        "errors": [],
        "warnings": problems_json(text, warnings_of(document)),
        "variables": document.to_json()["variables"],
        "draft": draft_text(parse_body(text.encode(), YAML)),
    }


def check_alone_json(team: Team, raw: dict[str, Any], *, flow: Flow | None = None) -> dict[str, Any]:
    """Return the same of a document that is no text; its problems have no lines."""
    try:
        document = check_for_team(team, raw, flow=flow)
    except FlowInvalid as error:
        return {"valid": False, "errors": [each.to_json() for each in error.problems]}
    variables = document.to_json()["variables"]
    return {"valid": True, "errors": [], "variables": variables, "draft": draft_text(raw)}


def exact_answer(data: dict[str, Any]) -> HttpResponse:
    """Return JSON with every digit of its numbers; Django's JsonResponse rounds."""
    return HttpResponse(dumps(data), content_type="application/json")


def draft_text(raw: dict[str, Any]) -> str:
    """Return the document as JSON text, which a browser passes on without reading (and rounding) its numbers.

    A masked secret default is left out: a draft has no earlier version that would know it, so the run has to
    give the value.
    """
    variables = [
        {**{key: value for key, value in variable.items() if key != "defaultValue"}, "required": True}
        if variable.get("defaultValue") == MASK
        else variable
        for variable in raw.get("variables") or []
    ]
    return dumps({**raw, "variables": variables})
