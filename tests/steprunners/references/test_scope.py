"""What references read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steprunners.masking.known_secrets import KnownSecrets
from steprunners.references.resolution import (
    CutReference,
    Scope,
    StepView,
    UnresolvedReference,
    resolve,
    resolve_tracked,
)

SCOPE = Scope(
    variables={
        "order_id": 42,
        "config": {"url": "http://h", "list": [1, 2]},
        "nothing": None,
        "key": "hunter2-hunter2",
    },
    secrets=frozenset({"key"}),
    steps={
        "create": StepView(
            result={"status": 201, "body": {"id": "7", "echo": "hunter2-hunter2"}, "durationMs": 3},
            status="SUCCESS",
            duration_ms=12,
            attempts=2,
        ),
        "failed": StepView(result={"status": 500}, status="FAILED", error_message="status is 500"),
        "skipped": StepView(status="SKIPPED"),
        "large": StepView(
            result={"status": 200, "body": {"a": 1, "long": "xxx"}}, truncated=True, cut_paths=("body.long",)
        ),
    },
    execution={"id": "e-1", "startedAt": 1703721600123},
    flow={"name": "Order", "version": 3},
    known_names=("staging_url",),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${order_id}", 42),
        ("${nothing}", None),
        ("${config.url}", "http://h"),
        ("${config.$.list[*]}", [1, 2]),
        ("${create.status}", 201),
        ("${create.response.id}", "7"),
        ("${create.response.status}", 201),
        ("${create}", {"status": 201, "body": {"id": "7", "echo": "hunter2-hunter2"}, "durationMs": 3}),
        ("${steps.create.status}", "SUCCESS"),
        ("${steps.create.durationMs}", 12),
        ("${steps.create.attempts}", 2),
        ("${steps.failed.error.message}", "status is 500"),
        ("${execution.id}", "e-1"),
        ("${execution.startedAt}", 1703721600123),
        ("${flow.name} v${flow.version}", "Order v3"),
        ("${large.body.a}", 1),
        ("${large.$.status}", 200),
        ("${missing:-x}", "x"),
        ("${create.body.nothing:-x}", "x"),
        ("${skipped.status:-x}", "x"),
        ("${upper(missing):-x}", "x"),
        ("${upper(${missing:-x})}", "X"),
        ("${nothing:-x}", None),
    ],
)
def test_it_reads(text: Any, value: Any) -> None:
    assert resolve(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${order_ix}", "nothing is called order_ix; did you mean order_id?"),
        ("${staging_ur}", "did you mean staging_url?"),
        ("${crate.body}", "did you mean create?"),
        ("${create.body.idd}", "in the result of create, there is no body.idd; did you mean id?"),
        ("${config.ur}", "in config, there is no ur; did you mean url?"),
        ("${order_id.x}", "the value is not an object"),
        ("${skipped.status}", "step skipped has no result (it is SKIPPED)"),
        ("${steps.crate.status}", "no step is called crate; did you mean create?"),
        ("${steps.skipped.durationMs}", "step skipped has no durationMs"),
        ("${item.sku}", "item exists only inside forEach"),
        ("${index}", "index exists only inside forEach"),
    ],
)
def test_a_reference_without_a_value_says_why(text: Any, message: Any) -> None:
    with pytest.raises(UnresolvedReference) as caught:
        resolve(text, SCOPE)
    assert caught.value.message.startswith(text)
    assert message in caught.value.message


def test_an_execution_without_facts() -> None:
    with pytest.raises(UnresolvedReference, match="execution has no id"):
        resolve("${execution.id}", Scope())


@pytest.mark.parametrize(
    "text",
    [
        "${large.body.b}",
        "${large.$..a}",
        "${large}",
        "${large.body.b:-x}",
        "${large.body.long}",
        "${large.$.body.long}",
    ],
)
def test_what_may_have_been_cut_is_an_error_even_with_a_default(text: Any) -> None:
    with pytest.raises(CutReference, match="cut"):
        resolve(text, SCOPE)


def test_item_and_index_inside_for_each() -> None:
    scope = Scope(item={"sku": "a"}, index=0)
    assert resolve(["${item}", "${item.sku}", "${index}"], scope) == [{"sku": "a"}, "a", 0]
    assert resolve("${item}", Scope(item=None, index=0)) is None


# --- secrets --------------------------------------------------------------------------------------


def test_secrets_are_masked_in_the_copy_alone() -> None:
    value: Any = {"whole": "${key}", "part": "Bearer ${key}", "open": "${order_id}"}
    resolved: Any = resolve_tracked(value, SCOPE)
    assert resolved.masked == {"whole": "••••••", "part": "Bearer ••••••", "open": 42}
    assert resolved.value["part"] == "Bearer hunter2-hunter2"


def test_one_reading_gives_both_copies() -> None:
    resolved = resolve_tracked("${uuid()} ${key}", SCOPE)
    assert str(resolved.masked) == str(resolved.value).replace("hunter2-hunter2", "••••••")


def test_what_functions_make_of_secrets_is_masked_and_known() -> None:
    scope = replace(SCOPE, known_secrets=KnownSecrets(["hunter2-hunter2"]))
    resolved = resolve_tracked(
        ["${base64(key)}", "${upper(key)}", "${length(key)}", "${upper(order_id)}"], scope
    )
    assert resolved.value == ["aHVudGVyMi1odW50ZXIy", "HUNTER2-HUNTER2", 15, "42"]
    assert resolved.masked == ["••••••", "••••••", 15, "42"]
    assert scope.known.texts == ("hunter2-hunter2", "aHVudGVyMi1odW50ZXIy", "HUNTER2-HUNTER2")


def test_a_secret_that_a_step_repeats_is_seen_in_functions() -> None:
    resolved = resolve_tracked("${lower(create.body.echo)} ${json(create.body)}", SCOPE)
    assert resolved.masked == "•••••• ••••••"


def test_nested_functions_keep_the_trail_and_length_ends_it() -> None:
    assert resolve_tracked("${sha256(upper(key))}", SCOPE).masked == "••••••"
    assert resolve_tracked("${add(length(key), 1)}", SCOPE).masked == 16


def test_secrets_inside_json_variables_count() -> None:
    scope = Scope(variables={"login": {"password": "hunter2-hunter2"}}, secrets=frozenset({"login"}))
    assert resolve_tracked("${login.password}", scope).masked == "••••••"
    assert resolve_tracked("${upper('x hunter2-hunter2')}", scope).masked == "••••••"


def test_messages_do_not_hold_secret_values() -> None:
    scope = Scope(variables={"key": "hunter2\nhunter2"}, secrets=frozenset({"key"}))
    with pytest.raises(UnresolvedReference) as caught:
        resolve("${key.x}", scope)
    assert "hunter2" not in caught.value.message
