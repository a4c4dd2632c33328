"""The grammar of references."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given

from steprunners.references.errors import ReferenceSyntaxError
from steprunners.references.expressions import Call, Constant, Fact, Named, Reference, StepAttribute
from steprunners.references.grammar import parse
from tests.steprunners.json_strategies import tricky_text


def only(text: str) -> Reference:
    (reference,) = parse(text)
    assert isinstance(reference, Reference)
    return reference


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("${order_id}", Named("order_id", None)),
        ("${ order-id }", Named("order-id", None)),
        ("${create.body.items[0].sku}", Named("create", "body.items[0].sku")),
        ("${create.headers['content-type']}", Named("create", "headers['content-type']")),
        ("${messages[0].value}", Named("messages", "[0].value")),
        ("${event.messages.0.value}", Named("event", "messages.0.value")),
        (
            "${event.$.messages[?@.key == '}' && @.n > 1].value}",
            Named("event", "$.messages[?@.key == '}' && @.n > 1].value"),
        ),
        ("${event.$.messages[0:-1]}", Named("event", "$.messages[0:-1]")),
        ("${item}", Named("item", None)),
        ("${steps.create.status}", StepAttribute("create", "status")),
        ("${steps.create.error.message}", StepAttribute("create", "error.message")),
        ("${execution.startedAt}", Fact("execution", "startedAt")),
        ("${flow.version}", Fact("flow", "version")),
        ("${uuid()}", Call("uuid", ())),
        ("${now('%Y-%m-%d')}", Call("now", (Constant("%Y-%m-%d"),))),
        ("${randomInt( -1 , 9 )}", Call("randomInt", (Constant(-1), Constant(9)))),
        ("${add(1.5, 2)}", Call("add", (Constant(1.5), Constant(2)))),
        ("${json(true)}", Call("json", (Constant(True),))),
        ('${upper("a)b}\\"c")}', Call("upper", (Constant('a)b}"c'),))),
    ],
)
def test_expressions(text: Any, expression: Any) -> None:
    assert only(text).expression == expression
    assert only(text).text == text


def test_arguments_are_references_too() -> None:
    call = only("${hmacSha256(key, json(create.body['a,b']))}").expression
    assert isinstance(call, Call)
    assert [argument.text for argument in call.arguments if isinstance(argument, Reference)] == [
        "key",
        "json(create.body['a,b'])",
    ]
    nested = only("${upper(${name:-nobody})}").expression
    assert isinstance(nested, Call)
    assert nested.arguments == (Reference(Named("name", None), "nobody", "${name:-nobody}"),)


@pytest.mark.parametrize(
    ("text", "default"),
    [
        ("${a:-b}", "b"),
        ("${a:-}", ""),
        ("${a:- b c }", " b c "),
        ("${a.b:-c:-d}", "c:-d"),
        ("${a:-{}}", "{}"),
        ('${a:-{"b": {"c": 1}}}', '{"b": {"c": 1}}'),
        ("${a:-b{c}", "b{c"),
        ("${a.$.b[1:-1]:-x}", "x"),
        ("${a}", None),
    ],
)
def test_defaults(text: Any, default: Any) -> None:
    assert only(text).default == default


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("plain", ("plain",)),
        ("", ()),
        ("$${a}", ("${a}",)),
        ("a$${b}c", ("a${b}c",)),
        ("$$${a}", ("$${a}",)),
        ("$a {b} $", ("$a {b} $",)),
    ],
)
def test_what_is_not_a_reference(text: Any, parts: Any) -> None:
    assert parse(text) == parts


def test_literals_and_references_alternate() -> None:
    parts = parse("a${b}$${c}${d}e")
    assert [part if isinstance(part, str) else part.text for part in parts] == [
        "a",
        "${b}",
        "${c}",
        "${d}",
        "e",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${", "but the text ends"),
        ("${a", "not closed"),
        ("${}", "a name was expected"),
        ("${1a}", "a name was expected"),
        ("${a b}", "not closed"),
        ("${a.}", "the path is empty"),
        ("${a..b}", "not a valid path"),
        ("${a.$[}", "not a JSONPath"),
        ("${nope()}", "there is no function nope"),
        ("${uper(a)}", "did you mean upper"),
        ("${upper()}", "write upper(x)"),
        ("${upper(a}", "not closed"),
        ("${upper(a b)}", "not closed"),
        ("${execution}", "execution has id, startedAt"),
        ("${flow.nam}", "did you mean name"),
        ("${steps.a.body}", "its result is ${a.…}"),
        ("${steps}", "write steps.<step>.status"),
        ("${a:-${b}}", "cannot contain a reference"),
        ("${a:-b", "not closed"),
        ("${" + "upper(" * 12 + "a" + ")" * 12 + "}", "nested more than"),
        ("${add(1e999, 1)}", "too large"),
        ("${x" + "x" * 64 + "}", "a name was expected"),
        ("${a}" * 1_001, "more than"),
    ],
)
def test_syntax_errors_say_what_was_expected(text: Any, message: Any) -> None:
    with pytest.raises(ReferenceSyntaxError) as caught:
        parse(text)
    assert message in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "${" * 200_000,
        "${a:-{}" * 50_000,
        "${a." * 100_000 + "}",
        "$${" * 200_000,
        "${a['" * 100_000,
        "${a:-{" * 100_000,
    ],
)
def test_long_hostile_text_is_read_in_good_time(text: Any) -> None:
    started = time.monotonic()
    with contextlib.suppress(ReferenceSyntaxError):
        parse(text)
    assert time.monotonic() - started < 30


@given(tricky_text)
def test_any_text_parses_or_is_a_syntax_error(text: Any) -> None:
    for each in (text, "${" + text, "${a." + text + "}", "${upper(" + text + ")}", "${a:-" + text + "}"):
        with contextlib.suppress(ReferenceSyntaxError):
            parse(each)


@given(tricky_text)
def test_text_without_the_opening_is_one_literal(text: Any) -> None:
    if "${" not in text:
        assert "".join(str(part) for part in parse(text)) == text


@given(tricky_text)
def test_escaping_every_opening_gives_the_text_back(text: Any) -> None:
    if "$${" not in text:
        assert "".join(str(part) for part in parse(text.replace("${", "$${"))) == text


@pytest.mark.parametrize("text", ["${e.$.m[?@.id == ${id}].o}", "${e.m[${k}].o}", "${e.m.${k}}"])
def test_a_reference_inside_a_reference_is_refused_in_words(text: str) -> None:
    with pytest.raises(ReferenceSyntaxError, match="a path cannot hold a reference here"):
        parse(text)
