"""Warnings about the secrets in a flow."""

from __future__ import annotations

from typing import Any

from flows.documents.document import FlowDocument
from flows.problems import Problem
from resources.secret_warnings import short_secrets
from steprunners.references.resolution import holds_reference


def warnings_of(document: FlowDocument) -> list[Problem]:
    """Return a warning for every default of a secret variable that is too short to be masked wherever it shows up."""
    return short_secrets(
        (("variables", index, "defaultValue"), each.default_value)
        for index, each in enumerate(document.variables)
        if each.secret and not (isinstance(each.default_value, str) and holds_reference(each.default_value))
    )


def with_warnings(answer: dict[str, Any], warnings: list[Problem]) -> dict[str, Any]:
    """Return the answer, with `warnings` where there are any."""
    return {**answer, "warnings": [each.to_json() for each in warnings]} if warnings else answer
