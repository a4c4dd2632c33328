"""References, found and resolved."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.json_types import Json
from steprunners.masking.credentials import MASK
from steprunners.references.resolution import (
    BadArgument,
    Found,
    Grammar,
    GrammarOf,
    Kind,
    Place,
    ReferenceProblem,
    ReferenceSyntaxError,
    Scope,
    StepView,
    UnresolvedReference,
    UnsafeValue,
    find_references,
    holds_reference,
    resolve,
    resolve_tracked,
)
from tests.steprunners.json_strategies import json_values, tricky_text


def test_references_are_found_wherever_they_stand() -> None:
    found, problems = find_references(
        {
            "url": "${base_url}/orders/${create.body.id:-1}",
            "body": ["${item.sku}", {"x": "${hmacSha256(key, steps.create.status)}"}],
            "text": "no reference, and $${none} either",
            "at": "${execution.id} ${flow.name}",
        }
    )
    assert problems == []
    assert found == [
        Found(("url",), "${base_url}", Kind.NAME, "base_url"),
        Found(("url",), "${create.body.id:-1}", Kind.RESULT, "create", "body.id", has_default=True),
        Found(("body", 0), "${item.sku}", Kind.LOOP, "item", "sku"),
        Found(("body", 1, "x"), "${hmacSha256(key, steps.create.status)}", Kind.FUNCTION, "hmacSha256"),
        Found(("body", 1, "x"), "key", Kind.NAME, "key"),
        Found(("body", 1, "x"), "steps.create.status", Kind.STEP, "create", "status"),
        Found(("at",), "${execution.id}", Kind.EXECUTION, "id"),
        Found(("at",), "${flow.name}", Kind.FLOW, "name"),
    ]


def test_a_default_around_a_function_covers_its_arguments() -> None:
    found, _ = find_references("${upper(name):-x}")
    assert [each.has_default for each in found] == [True, True]


def test_every_syntax_error_is_found_with_its_place() -> None:
    _, problems = find_references({"a": "${", "b": ["ok", "${nope()}"], "c": "${fine}"})
    assert [(problem.path, type(problem)) for problem in problems] == [
        (("a",), ReferenceSyntaxError),
        (("b", 1), ReferenceSyntaxError),
    ]


def test_a_value_of_any_depth_is_searched() -> None:
    value: Any = "${x}"
    for _ in range(5_000):
        value = [value]
    assert [each.name for each in find_references(value)[0]] == ["x"]


@pytest.mark.parametrize(
    ("text", "holds"), [("${a}", True), ("a$${b}", False), ("$${a}${b}", True), ("$a", False)]
)
def test_holds_reference(text: Any, holds: Any) -> None:
    assert holds_reference(text) is holds


# --- resolving ------------------------------------------------------------------------------------


@given(json_values)
def test_a_text_that_is_one_reference_keeps_value_and_type(value: Any) -> None:
    resolved = resolve("${x}", Scope(variables={"x": value}))
    assert resolved == value
    assert type(resolved) is type(value)
    assert resolve("${s.body}", Scope(steps={"s": StepView(result={"body": value})})) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "<1>"),
        (1.5, "<1.5>"),
        (True, "<true>"),
        (None, "<null>"),
        ("a", "<a>"),
        ([1, {"a": "b"}], '<[1,{"a":"b"}]>'),
    ],
)
def test_inside_a_longer_text_it_is_written_as_text(value: Any, text: Any) -> None:
    assert resolve("<${x}>", Scope(variables={"x": value})) == text


@given(tricky_text, tricky_text)
def test_what_was_put_in_is_not_read_again(value: Any, other: Any) -> None:
    scope = Scope(variables={"x": value + "${y}", "y": other})
    assert resolve("${x}", scope) == value + "${y}"
    assert resolve("a${x}b", scope) == "a" + value + "${y}" + "b"


@given(
    st.dictionaries(st.text(max_size=5), st.lists(st.just("${x}") | st.integers(), max_size=3), max_size=3),
    json_values,
)
def test_structure_and_keys_stay(template: Any, value: Any) -> None:
    resolved = resolve(template, Scope(variables={"x": value}))
    assert resolved == {
        key: [value if each == "${x}" else each for each in items] for key, items in template.items()
    }


KEYS = Scope(
    variables={
        "sku": "tea",
        "n": 2,
        "yes": True,
        "price": 1.5,
        "none": None,
        "list": [1],
        "pin": "hush",
        "t": "tea",
    },
    secrets=frozenset({"pin"}),
)


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ({"${sku}": "${n}"}, {"tea": 2}),
        ({"${n}": 1, "${yes}": 2, "${price}": 3}, {"2": 1, "true": 2, "1.5": 3}),
        ({"x-${sku}-${n}": 1}, {"x-tea-2": 1}),
        ([{"a": {"${sku}": [{"${upper(sku)}": 1}]}}], [{"a": {"tea": [{"TEA": 1}]}}]),
        ({"$${sku}": 1, "a$": 2}, {"${sku}": 1, "a$": 2}),
        ({"${nothing:-else}": 1}, {"else": 1}),
        ({"z": 1, "${sku}": 2, "a": 3}, {"z": 1, "tea": 2, "a": 3}),
    ],
)
def test_keys(written: Json, plain: Json) -> None:
    resolved = resolve(written, KEYS)
    assert resolved == plain
    assert str(resolved) == str(plain)  # in the same order


def test_secret_keys_are_masked() -> None:
    resolved = resolve_tracked({"a": {"${pin}": "${pin}", "x${pin}": 1, "x${pin}${none:-}": 2}}, Scope(
        variables={"pin": "hush", "none": "b"}, secrets=frozenset({"pin", "none"}),
    ))  # fmt: skip
    assert resolved.value == {"a": {"hush": "hush", "xhush": 1, "xhushb": 2}}
    assert resolved.masked == {"a": {MASK: MASK, f"x{MASK}": 1, f"x{MASK}{MASK}": 2}}


def test_equal_masked_keys_both_stay() -> None:
    scope = Scope(variables={"a": "first", "b": "second"}, secrets=frozenset({"a", "b"}))
    assert resolve_tracked({"${a}": 1, "${b}": 2}, scope).masked == {MASK: 1, f"{MASK} (2)": 2}


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        ({"b": {"${sku}": 1, "tea": 2}}, ("b", "tea"), "becomes the same as another key"),
        ({"b": [{"tea": 1, "${sku}": 2}]}, ("b", 0, "${sku}"), "becomes the same as another key"),
        ({"${sku}": 1, "${t}": 2}, ("${t}",), "becomes the same as another key"),
        ({"${list}": 1}, ("${list}",), "a key must be text"),
        ({"${none}": 1}, ("${none}",), "a key must be text"),
        ({"a-${list}": 1}, ("a-${list}",), "a key must be text"),
        ({"${nope}": 1}, ("${nope}",), "nothing is called nope"),
        ({"${": 1}, ("${",), "name was expected"),
    ],
)
def test_keys_that_cannot_be_used(written: Json, place: Place, message: str) -> None:
    with pytest.raises(ReferenceProblem, match=message) as caught:
        resolve(written, KEYS)
    assert caught.value.path == place


def test_a_replaced_key_decides_the_grammar_of_its_value() -> None:
    def grammar_of(path: Place, _whole: Json) -> Grammar:
        return Grammar.SQL if path == ("query",) else Grammar.PLAIN

    with pytest.raises(UnsafeValue):
        resolve({"${q}": "select ${q}"}, Scope(variables={"q": "query"}), grammar_of)


def test_references_in_keys_are_found() -> None:
    found, problems = find_references({"b": {"${sku}": [{"x${upper(a.b)}": "${c}"}], "${": 1}})
    assert [(each.path, each.name) for each in found] == [
        (("b", "${sku}"), "sku"),
        (("b", "${sku}", 0, "x${upper(a.b)}"), "upper"),
        (("b", "${sku}", 0, "x${upper(a.b)}"), "a"),
        (("b", "${sku}", 0, "x${upper(a.b)}"), "c"),
    ]
    assert [problem.path for problem in problems] == [("b", "${")]


def test_json_text_around_a_reference_stays_text() -> None:
    scope = Scope(variables={"x": '", "admin": true, "y": "'})
    assert resolve({"body": {"name": "${x}"}}, scope) == {"body": {"name": '", "admin": true, "y": "'}}


@given(json_values)
def test_a_value_without_references_comes_back_equal(value: Any) -> None:
    if find_references(value) == ([], []):
        resolved = resolve_tracked(value, Scope())
        assert resolved.masked == resolved.value
        assert str(resolved.value).replace("$${", "${") == str(value).replace("$${", "${")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("${", ReferenceSyntaxError),
        ("${x}", UnresolvedReference),
        ("${length(1)}", BadArgument),
    ],
)
def test_problems_carry_their_place(value: Any, error: Any) -> None:
    with pytest.raises(error) as caught:
        resolve({"a": [1, value]}, Scope())
    assert caught.value.path == ("a", 1)
    assert isinstance(caught.value, ReferenceProblem)
    assert caught.value.message


def test_a_template_too_deep_is_refused() -> None:
    value: Any = "${x}"
    for _ in range(300):
        value = [value]
    with pytest.raises(ReferenceSyntaxError, match="levels deep"):
        resolve(value, Scope(variables={"x": 1}))


@given(tricky_text, json_values, st.sampled_from(Grammar))
def test_nothing_else_is_ever_raised(text: Any, value: Any, grammar: Any) -> None:
    scope = Scope(
        variables={"x": value, "k": "hunter22"}, secrets=frozenset({"k"}), steps={"s": StepView(result=value)}
    )
    templates: list[Any] = [text, "${" + text, text + "${x}" + text, "${s." + text + "}", "${add(x, k)}"]
    for template in [*templates, {"a": [text, "${k}"]}]:
        with suppress(ReferenceProblem):
            resolve_tracked(template, scope, always(grammar))


# --- grammars -------------------------------------------------------------------------------------


def always(grammar: Grammar) -> GrammarOf:
    return lambda _path, _value: grammar


def of(grammar: Grammar, text: str, **variables: Any) -> Json:
    return resolve(text, Scope(variables=variables), always(grammar))


def test_the_grammar_is_asked_for_each_text_with_the_whole() -> None:
    asked: list[tuple[Place, Json]] = []

    def grammar_of(path: Place, whole: Json) -> Grammar:
        asked.append((path, whole))
        return Grammar.PLAIN

    resolve({"a": ["${x}", "plain"]}, Scope(variables={"x": 1}), grammar_of)
    assert asked == [(("a", 0), {"a": ["${x}", "plain"]})]


def test_a_header_is_text() -> None:
    assert of(Grammar.HEADER, "${n}", n=2) == "2"
    with pytest.raises(UnsafeValue, match=r"\$\{n\}: a header"):
        of(Grammar.HEADER, "a ${n}", n="b\r\nX: y")


def test_a_jsonpath_filter_takes_literals() -> None:
    assert of(Grammar.JSONPATH, "$[?@.id == ${x}]", x="a'b") == "$[?@.id == 'a\\'b']"
    assert of(Grammar.JSONPATH, "$[?@.id == ${x}]", x=5) == "$[?@.id == 5]"
    assert of(Grammar.JSONPATH, "$[?@.id == '${x}']", x=5) == "$[?@.id == '5']"
    assert of(Grammar.JSONPATH, "${query}", query="$.a") == "$.a"


def test_label_values_are_escaped() -> None:
    assert of(Grammar.LABEL, '{app="${x}"}[${n}m]', x='a"b', n=5) == '{app="a\\"b"}[5m]'
    assert of(Grammar.LABEL, "${query}", query='{a="b"}') == '{a="b"}'


def test_a_regex_takes_the_value_literally() -> None:
    assert of(Grammar.REGEX, "^${x}$", x="a.b") == r"^a\.b$"
    assert of(Grammar.REGEX, "${x}", x="a.b") == "a.b"


def test_sql_refuses_references_and_says_what_to_do() -> None:
    with pytest.raises(UnsafeValue, match="parameters"):
        of(Grammar.SQL, "select ${x}", x=1)
    assert of(Grammar.SQL, "select '$${x}'") == "select '${x}'"


def test_secrets_are_masked_in_every_grammar() -> None:
    scope = Scope(variables={"key": "a b/c\"d'e"}, secrets=frozenset({"key"}))
    for grammar, text in [
        (Grammar.URL, "http://h/${key}"),
        (Grammar.HEADER, "Bearer ${key}"),
        (Grammar.JSONPATH, "$[?@.a == ${key}]"),
        (Grammar.LABEL, '{a="${key}"}'),
        (Grammar.REGEX, "x${key}"),
        (Grammar.PLAIN, "x${key}"),
    ]:
        resolved = resolve_tracked(text, scope, always(grammar))
        assert resolved.masked == text.replace("${key}", "••••••")
