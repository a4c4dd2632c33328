"""What changed between two versions."""

from __future__ import annotations

from typing import Any

from flows.diffs.changes import changes_between, unified_yaml
from flows.documents.document import check_document
from flows.models import FlowVersion
from tests.flows.sample_documents import flow, get, wait


def version(number: int, *steps: dict[str, Any], **more: Any) -> FlowVersion:
    document = check_document(flow(*steps, **more))
    return FlowVersion(number=number, document=document.to_json(), secrets=document.secret_defaults())


def changes(before: FlowVersion, after: FlowVersion) -> list[tuple[str, str, Any, Any]]:
    return [
        (each["path"], each["kind"], each["before"], each["after"]) for each in changes_between(before, after)
    ]


ONE, TWO = wait("one", id="1"), get("two", id="2")


def test_nothing() -> None:
    assert changes(version(1, ONE), version(2, ONE)) == []
    assert unified_yaml(version(1, ONE), version(2, ONE)) == ""


def test_head_and_variables() -> None:
    before = version(1, ONE, labels=["a"], variables=[{"name": "x", "defaultValue": "1"}, {"name": "y"}])
    after = version(2, ONE, labels=["a", "b"], variables=[{"name": "x", "defaultValue": "2"}, {"name": "z"}])

    assert changes(before, after) == [
        ("labels", "changed", ["a"], ["a", "b"]),
        ("variables.x.defaultValue", "changed", "1", "2"),
        ("variables.y", "removed", {"name": "y", "type": "string"}, None),
        ("variables.z", "added", None, {"name": "z", "type": "string"}),
    ]


def test_steps_are_matched_by_id() -> None:
    renamed = {**ONE, "name": "uno"}

    assert changes(version(1, ONE, TWO), version(2, TWO, renamed)) == [
        ("steps.uno.name", "changed", "one", "uno"),
        ("steps", "moved", ["one", "two"], ["two", "uno"]),
    ]
    assert [(path, kind) for path, kind, _, _ in changes(version(1, ONE), version(2, TWO, ONE))] == [
        ("steps.two", "added")
    ]


def test_types_differ_where_values_look_the_same() -> None:
    one, true = ({**TWO, "meta": {**TWO["meta"], "body": {"a": value}}} for value in (1, True))

    assert changes(version(1, one), version(2, true)) == [("steps.two.meta.body.a", "changed", 1, True)]


def test_secrets_differ_without_being_shown() -> None:
    before, after = (
        version(number, ONE, variables=[{"name": "key", "secret": True, "defaultValue": f"hunter{number}"}])
        for number in (1, 2)
    )

    assert changes(before, after) == [("variables.key.defaultValue", "changed", "••••••", "••••••")]
