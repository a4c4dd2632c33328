"""References across steps: what has a value by the time a step runs."""

from __future__ import annotations

from typing import Any

import pytest

from flows.documents.document import check_document
from tests.flows.documents.test_document import message_of, problems_of
from tests.flows.sample_documents import choose, flow, get, wait


def reads(name: str, text: str, **more: Any) -> dict[str, Any]:
    return get(name, url=text, **more)


EXTRACTING = wait("first", extract={"order_id": "delayedMs"})


@pytest.mark.parametrize(
    "steps",
    [
        [EXTRACTING, reads("b", "${order_id} ${first.delayedMs} ${steps.first.status}")],
        [choose("c", wait("inner")), reads("b", "${inner.delayedMs} ${c.matchedBranch}")],
        [choose("c", wait("inner"), reads("b", "${inner.delayedMs}"))],
        [choose("c", choose("d", EXTRACTING), reads("b", "${order_id}"))],
        [reads("clean", "${b.status} ${first.delayedMs}", alwaysRun=True), EXTRACTING, get("b")],
        [reads("a", "${item} ${index} ${item.id}", forEach=[1])],
        [wait("a", runInBackground=True), reads("b", "${a.delayedMs}")],
        [reads("a", "$${literal} ${from_environment} ${maybe:-default} ${upper(from_environment)}")],
        [wait("a"), reads("b", "x", when={"left": "${a.delayedMs}", "operator": ">", "right": 1})],
    ],
)
def test_what_is_known(steps: list[dict[str, Any]]) -> None:
    check_document(flow(*steps), known_names={"from_environment"})


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([reads("a", "${nope}")], ("steps.0.meta.url", "unknown_reference")),
        ([reads("a", "${upper(nope)}")], ("steps.0.meta.url", "unknown_reference")),
        ([reads("a", "${b.x}"), wait("b")], ("steps.0.meta.url", "later_reference")),
        ([reads("a", "${b:-x}"), wait("b")], ("steps.0.meta.url", "later_reference")),
        ([reads("a", "${a.x}")], ("steps.0.meta.url", "later_reference")),
        ([reads("a", "${order_id}"), EXTRACTING], ("steps.0.meta.url", "later_reference")),
        ([reads("a", "${steps.b.status}"), wait("b")], ("steps.0.meta.url", "later_reference")),
        ([reads("a", "${steps.nope.status}")], ("steps.0.meta.url", "unknown_reference")),
        ([reads("a", "${item}")], ("steps.0.meta.url", "unknown_reference")),
        ([reads("a", "x", forEach="${item}")], ("steps.0.forEach", "unknown_reference")),
        (
            [reads("a", "x", forEach=[1], when={"left": "${item}", "operator": "exists"})],
            ("steps.0.when.left", "unknown_reference"),
        ),
        ([wait("a", alwaysRun=True), reads("b", "${a.x}")], ("steps.1.meta.url", "later_reference")),
        (
            [choose("c", reads("a", "${c.matchedBranch}"))],
            ("steps.0.meta.branches.0.steps.0.meta.url", "later_reference"),
        ),
        ([wait("a", assertions=[{"field": "x", "operator": "equals", "expectedValue": {"b": ["${no}"]}}])],
         ("steps.0.assertions.0.expectedValue.b.0", "unknown_reference")),
        ([wait("a", extract={"x": "a[?@.b == ${no}]"})], ("steps.0.extract.x", "unknown_reference")),
        ([wait("a", extract={"item": "x"})], ("steps.0.extract.item", "reserved_name")),
        ([wait("a", extract={"a": "x"})], ("steps.0.extract.a", "duplicate_name")),
        ([reads("a", "${a.[}")], ("steps.0.meta.url", "bad_reference")),
        ([choose("a", wait("a"))], ("steps.0.meta.branches.0.steps.0.name", "duplicate_name")),
    ],
)  # fmt: skip
def test_what_is_not(steps: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    assert problems_of(flow(*steps)) == [expected]


def test_messages_help() -> None:
    assert "did you mean order_id?" in message_of(flow(EXTRACTING, reads("b", "${oder_id}")))
    assert "step b runs later" in message_of(flow(reads("a", "${b.x}"), wait("b")))
