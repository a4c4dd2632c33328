"""LogQL: what is built finds exactly what was asked for, and what matches everything is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.loki.logql import build, check_selectors
from steprunners.errors import BadConfig
from tests.servers.loki import parse

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("labels", "contains", "lacks", "query"),
    [
        ({"app": "shop"}, [], [], '{app="shop"}'),
        ({"app": "shop", "pod": 3, "gone": None}, [], [], '{app="shop", pod="3"}'),
        ({"app": "shop"}, ["a", 'b"'], ["c\\"], '{app="shop"} |= "a" |= "b\\"" != "c\\\\"'),
        ({"app": "shop", "level": ""}, [], [], '{app="shop", level=""}'),
    ],
)
def test_built(labels: dict[str, Any], contains: list[str], lacks: list[str], query: str) -> None:
    assert build(labels, contains, lacks) == query


@given(texts, texts, texts)
def test_any_text_means_itself(value: str, contains: str, lacks: str) -> None:
    matchers, filters = parse(build({"app": value}, [contains], [lacks]))
    ((name, holds),) = matchers
    assert name == "app"
    assert holds(value)
    assert not holds(value + "x")
    assert [filters[0](contains), filters[0](""), filters[1](lacks), filters[1]("")] == [
        True,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize("labels", [{}, {"app": ""}, {"app": None}, {"a-b": "x"}, {'x="y"}': "z"}, {"": "x"}])
def test_labels_that_cannot_be(labels: dict[str, Any]) -> None:
    with pytest.raises(BadConfig, match=r"^meta\.labels"):
        build(labels, [], [])


@pytest.mark.parametrize(
    "query",
    [
        "{}", "{ }", '{app=""}', '{app!="x"}', '{app=~".*"}', '{app=~""}', "{app=~`.*`}", '{app!~"x"}', '{app=~"a|"}',
        '{app!="x", b=~".*"} |= "{c=\\"d\\"}"', 'count_over_time({app=~"(x)?"}[5m])',
        '{app="a"} or {}', "{} # {app=\"x\"}",
        '{app=~"\\\\d*"}',
    ],
)  # fmt: skip
def test_what_matches_everything_is_refused(query: str) -> None:
    with pytest.raises(BadConfig, match="matches every stream"):
        check_selectors(query)


@pytest.mark.parametrize(
    "query",
    [
        '{app="x"}', '{app=~".+"}', '{app!=""}', '{app!~".*"}', '{app=~"x|y"}', '{a!="b", app="x"}',
        '{app="}"}', "{app=`{}`}", 'sum(rate({app="x"}[1m]))', '{app="x"} | json | line_format "{{.y}}"',
        '# {}\n{app="x"}',
        '{app=~"("}',
        "{app", "nonsense", '{app="x"', "", '{app=~"\\\\d+"}',
    ],
)  # fmt: skip
def test_others_are_sent(query: str) -> None:
    check_selectors(query)


@given(st.text(alphabet='{}=~!",`\\# ax.*', max_size=30))
def test_any_text_is_judged(query: str) -> None:
    try:
        check_selectors(query)
    except BadConfig as refusal:
        assert "matches every stream" in refusal.message  # noqa: PT017 - either outcome is right
