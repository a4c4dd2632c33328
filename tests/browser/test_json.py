"""static/js/json.js: JSON that keeps digits and the order of keys. Called in the browser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Error, Page

from tests.browser.test_modules import call
from tests.steprunners.json_strategies import json_values

CALLED_OFTEN = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def written_again(page: Page, text: str) -> str:
    result: str = call(page, "json.js", "module.writeJson(module.readJson(argument))", text)
    return result


@pytest.mark.parametrize(
    "text",
    [
        '{"id":9007199254740993,"ts":1736184243098437392,"amount":10.00,"10":"a","2":"b"}',
        "[1e5,1E+400,-0,0.10,-0.0,1.0e-7,12345678901234567890.123456789]",
        '{"__proto__":{"x":1},"constructor":null,"toString":2,"":3}',
        '[{"2":1,"1":{"b":[],"3":{},"a":[[]]}}]',
        r'"\" \\ / \b\f\n\r\t é 😀 \ud800 '.replace(" /", " /") + '\u2028"',
        "[true,false,null]",
    ],
)
def test_what_is_read_is_written_again(signed_in_page: Page, text: str) -> None:
    assert written_again(signed_in_page, text) == text


@CALLED_OFTEN
@given(value=json_values)
def test_it_reads_and_writes_what_python_does(signed_in_page: Page, value: Any) -> None:
    text = json.dumps(value)
    assert json.dumps(json.loads(written_again(signed_in_page, text))) == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "{",
            "[1,]",
            '{"a":1,}',
            "01",
            "1.",
            ".5",
            "+1",
            "NaN",
            '"\n"',
            r'"\x"',
            r'"\u12"',
            "1 2",
            "tru",
        ),
        *("[", "{1:2}", "'a'", '{"a" 1}', '"a', "\ufeff1", "[" * 3000),
    ],
)
def test_what_is_not_json_is_refused(signed_in_page: Page, text: str) -> None:
    with pytest.raises(Error, match="SyntaxError"):
        written_again(signed_in_page, text)


def test_indented_text_is_as_a_person_would_write_it(signed_in_page: Page) -> None:
    text = '{\n  "b": [\n    1.50,\n    {}\n  ],\n  "1": "x"\n}'
    assert call(signed_in_page, "json.js", "module.writeJson(module.readJson(argument), 2)", text) == text


def test_numbers_compare_and_add_up_as_numbers(signed_in_page: Page) -> None:
    code = "((value) => [value[0] < 400, value[0] + 1, `${value[0]}`, typeof value[1]])(module.readJson('[12.50, 7]'))"
    assert call(signed_in_page, "json.js", code) == [True, 13.5, "12.50", "number"]


def test_of_a_key_that_comes_twice_the_last_value_counts(signed_in_page: Page) -> None:
    assert written_again(signed_in_page, '{"2":1,"1":2,"2":3}') == '{"2":3,"1":2}'


def test_deep_and_long_texts_are_read(signed_in_page: Page) -> None:
    code = "module.writeJson(module.readJson(argument)) === argument"
    for text in ("[" * 450 + "]" * 450, json.dumps(["x\n" * 2_000_000], separators=(",", ":"))):
        assert call(signed_in_page, "json.js", code, text)


@CALLED_OFTEN
@given(
    numbers=st.lists(
        st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    )
)
def test_every_number_keeps_its_text(signed_in_page: Page, numbers: list[str]) -> None:
    text = f"[{','.join(numbers)}]"
    assert written_again(signed_in_page, text) == text
