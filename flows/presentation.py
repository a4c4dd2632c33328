"""The shapes in which flows and versions leave: plain dicts, as the contract's section 7 has them."""

from __future__ import annotations

from functools import cache
from typing import Any

from accounts.api.base import milliseconds
from flows.models import Flow, FlowVersion
from steprunners.json_types import Json
from steprunners.runner import AnyRunner


def flow_json(flow: Flow, version: FlowVersion) -> dict[str, Any]:
    """Return the flow with the document of `version`, the newest one. Secrets in the stored document are masked."""
    return {
        "id": str(flow.pk),
        **_document_part(version, "name", "description", "labels"),
        "teamId": str(flow.team_id),
        "version": version.number,
        **_document_part(version, "variables", "steps"),
        "createdAt": milliseconds(flow.created_at),
        "updatedAt": milliseconds(flow.updated_at),
        "createdBy": _id_text(flow.created_by_id),
    }


def version_json(version: FlowVersion, *, whole: bool = True) -> dict[str, Any]:
    """Return a version; without its steps and variables where it is not `whole`."""
    parts = ("name", "description", "labels", "variables", "steps") if whole else ("name",)
    return {
        "flowId": str(version.flow_id),
        "version": version.number,
        **_document_part(version, *parts),
        "createdAt": milliseconds(version.created_at),
        "createdBy": _id_text(version.created_by_id),
    }


def portable_json(version: FlowVersion) -> dict[str, Any]:
    """Return the document for another installation: without the place of its secrets' values."""
    document = dict(version.document)
    document["variables"] = [_without_secret(each) for each in document["variables"]]
    return document


def _without_secret(variable: dict[str, Any]) -> dict[str, Any]:
    is_secret = variable.get("secret", False)
    return {key: value for key, value in variable.items() if not (is_secret and key == "defaultValue")}


def _document_part(version: FlowVersion, *names: str) -> dict[str, Json]:
    return {name: version.document[name] for name in names}


def _id_text(pk: Any) -> str | None:
    return None if pk is None else str(pk)


@cache
def step_type_json(runner: AnyRunner) -> dict[str, Any]:
    """Return what editors need to know of a step type: to read, not to change. Its schemas cost 5 ms, so made once."""
    return {
        "type": runner.type,
        "aliases": list(runner.aliases),
        "label": runner.label,
        "description": runner.description,
        "configSchema": runner.config_class.model_json_schema(by_alias=True),
        "resultSchema": runner.result_class.model_json_schema(by_alias=True),
        "resourceType": runner.resource_type,
        "example": runner.example,
    }
