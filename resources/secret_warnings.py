"""Warnings about stored secrets: too short to be masked everywhere, or no longer readable."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from resources.models import Environment, Resource
from resources.secrets.encryption import UNREADABLE, SecretsUnreadable
from resources.selectors import secret_texts
from steprunners.documents.problems import Problem, problem_at
from steprunners.json_types import Json
from steprunners.masking.secret_names import tells_secret
from steprunners.masking.spellings import MIN_LENGTH

SHORT_SECRET = "short_secret"  # noqa: S105 - a code
SHOWN_CREDENTIAL = "shown_credential"
_SHOWN = "This header was saved before such headers were kept secret: save the resource again."
_SHORT = (
    f"This secret is shorter than {MIN_LENGTH} characters: it is masked where a step uses it, but not where a"
    " tested system repeats it."
)


def readable_secrets(row: Resource | Environment) -> dict[str, Json]:
    """Return the row's secrets by name; none if their key is lost, so that they can be entered again."""
    try:
        return row.secrets or {}
    except SecretsUnreadable:
        return {}


def warnings_of(row: Resource | Environment) -> list[Problem]:
    """Return the warnings about the row's secrets, at the places where they were entered."""
    try:
        secrets = row.secrets or {}
    except SecretsUnreadable as error:
        return [Problem("config" if isinstance(row, Resource) else "variables", UNREADABLE, str(error))]
    if isinstance(row, Resource):
        return [
            *short_secrets((("config", name), value) for name, value in secrets.items()),
            *_shown_headers(row),
        ]
    places = {each["name"]: ("variables", index, "value") for index, each in enumerate(row.variables)}
    return short_secrets((places[name], value) for name, value in secrets.items() if name in places)


def _shown_headers(resource: Resource) -> list[Problem]:
    """Return a warning for every header that holds a credential in the clear: from before they were kept secret."""
    headers = resource.config.get("headers")
    return [
        problem_at(("config", "headers", name), SHOWN_CREDENTIAL, _SHOWN)
        for name in (headers if isinstance(headers, dict) else {})
        if tells_secret(name)
    ]


def tell_warnings(request: HttpRequest, row: Resource | Environment) -> None:
    """Add the row's warnings as messages to the page."""
    for each in warnings_of(row):
        messages.warning(request, f"{each.place}: {each.message}")


def short_secrets(values: Iterable[tuple[tuple[str | int, ...], Any]]) -> list[Problem]:
    """Return a warning for every `(place, secret)` that is too short to be masked wherever it shows up."""
    return [
        problem_at(place, SHORT_SECRET, _SHORT)
        for place, value in values
        if any(len(text) < MIN_LENGTH for text in secret_texts(value))
    ]
