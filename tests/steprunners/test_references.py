"""References, found and resolved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.references import (
    BadArgument,
    Found,
    Grammar,
    Kind,
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


def test_references_are_found_wherever_they_stand():
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


def test_a_default_around_a_function_covers_its_arguments():
    found, _ = find_references("${upper(name):-x}")
    assert [each.has_default for each in found] == [True, True]


def test_every_syntax_error_is_found_with_its_place():
    _, problems = find_references({"a": "${", "b": ["ok", "${nope()}"], "c": "${fine}"})
    assert [(problem.path, type(problem)) for problem in problems] == [
        (("a",), ReferenceSyntaxError),
        (("b", 1), ReferenceSyntaxError),
    ]


def test_a_value_of_any_depth_is_searched():
    value: object = "${x}"
    for _ in range(5_000):
        value = [value]
    assert [each.name for each in find_references(value)[0]] == ["x"]  # type: ignore[arg-type]  # it is JSON


@pytest.mark.parametrize(
    ("text", "holds"), [("${a}", True), ("a$${b}", False), ("$${a}${b}", True), ("$a", False)]
)
def test_holds_reference(text, holds):
    assert holds_reference(text) is holds


# --- resolving ------------------------------------------------------------------------------------


@given(json_values)
def test_a_text_that_is_one_reference_keeps_value_and_type(value):
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
def test_inside_a_longer_text_it_is_written_as_text(value, text):
    assert resolve("<${x}>", Scope(variables={"x": value})) == text


@given(tricky_text, tricky_text)
def test_what_was_put_in_is_not_read_again(value, other):
    scope = Scope(variables={"x": value + "${y}", "y": other})
    assert resolve("${x}", scope) == value + "${y}"
    assert resolve("a${x}b", scope) == "a" + value + "${y}" + "b"


@given(
    st.dictionaries(st.text(max_size=5), st.lists(st.just("${x}") | st.integers(), max_size=3), max_size=3),
    json_values,
)
def test_structure_and_keys_stay(template, value):
    resolved = resolve(template, Scope(variables={"x": value}))
    assert resolved == {
        key: [value if each == "${x}" else each for each in items] for key, items in template.items()
    }


def test_keys_are_not_substituted():
    assert resolve({"${x}": "${x}"}, Scope(variables={"x": 1})) == {"${x}": 1}


def test_json_text_around_a_reference_stays_text():
    scope = Scope(variables={"x": '", "admin": true, "y": "'})
    assert resolve({"body": {"name": "${x}"}}, scope) == {"body": {"name": '", "admin": true, "y": "'}}


@given(json_values)
def test_a_value_without_references_comes_back_equal(value):
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
def test_problems_carry_their_place(value, error):
    with pytest.raises(error) as caught:
        resolve({"a": [1, value]}, Scope())
    assert caught.value.path == ("a", 1)
    assert isinstance(caught.value, ReferenceProblem)
    assert caught.value.message


def test_a_template_too_deep_is_refused():
    value: object = "${x}"
    for _ in range(300):
        value = [value]
    with pytest.raises(ReferenceSyntaxError, match="levels deep"):
        resolve(value, Scope(variables={"x": 1}))  # type: ignore[arg-type]  # it is JSON


@given(tricky_text, json_values, st.sampled_from(Grammar))
def test_nothing_else_is_ever_raised(text, value, grammar):
    scope = Scope(
        variables={"x": value, "k": "hunter22"}, secrets=frozenset({"k"}), steps={"s": StepView(result=value)}
    )
    for template in (
        text,
        "${" + text,
        text + "${x}" + text,
        "${s." + text + "}",
        "${add(x, k)}",
        {"a": [text, "${k}"]},
    ):
        try:
            resolve_tracked(template, scope, lambda _path, _value: grammar)
        except ReferenceProblem as problem:
            assert problem.message


# --- grammars -------------------------------------------------------------------------------------


def of(grammar: Grammar, text: str, **variables: object) -> object:
    return resolve(text, Scope(variables=variables), lambda _path, _value: grammar)  # type: ignore[arg-type]  # JSON


def test_the_grammar_is_asked_for_each_text_with_the_whole():
    asked = []
    resolve(
        {"a": ["${x}", "plain"]},
        Scope(variables={"x": 1}),
        lambda path, value: asked.append((path, value)) or Grammar.PLAIN,
    )
    assert asked == [(("a", 0), {"a": ["${x}", "plain"]})]


def test_a_header_is_text():
    assert of(Grammar.HEADER, "${n}", n=2) == "2"
    with pytest.raises(UnsafeValue, match=r"\$\{n\}: a header"):
        of(Grammar.HEADER, "a ${n}", n="b\r\nX: y")


def test_a_jsonpath_filter_takes_literals():
    assert of(Grammar.JSONPATH, "$[?@.id == ${x}]", x="a'b") == "$[?@.id == 'a\\'b']"
    assert of(Grammar.JSONPATH, "$[?@.id == ${x}]", x=5) == "$[?@.id == 5]"
    assert of(Grammar.JSONPATH, "$[?@.id == '${x}']", x=5) == "$[?@.id == '5']"
    assert of(Grammar.JSONPATH, "${query}", query="$.a") == "$.a"


def test_label_values_are_escaped():
    assert of(Grammar.LABEL, '{app="${x}"}[${n}m]', x='a"b', n=5) == '{app="a\\"b"}[5m]'
    assert of(Grammar.LABEL, "${query}", query='{a="b"}') == '{a="b"}'


def test_a_regex_takes_the_value_literally():
    assert of(Grammar.REGEX, "^${x}$", x="a.b") == r"^a\.b$"
    assert of(Grammar.REGEX, "${x}", x="a.b") == "a.b"


def test_sql_refuses_references_and_says_what_to_do():
    with pytest.raises(UnsafeValue, match="parameters"):
        of(Grammar.SQL, "select ${x}", x=1)
    assert of(Grammar.SQL, "select '$${x}'") == "select '${x}'"


def test_secrets_are_masked_in_every_grammar():
    scope = Scope(variables={"key": "a b/c\"d'e"}, secrets=frozenset({"key"}))
    for grammar, text in [
        (Grammar.URL, "http://h/${key}"),
        (Grammar.HEADER, "Bearer ${key}"),
        (Grammar.JSONPATH, "$[?@.a == ${key}]"),
        (Grammar.LABEL, '{a="${key}"}'),
        (Grammar.REGEX, "x${key}"),
        (Grammar.PLAIN, "x${key}"),
    ]:
        resolved = resolve_tracked(text, scope, lambda _path, _value, grammar=grammar: grammar)
        assert resolved.masked == text.replace("${key}", "••••••")
