"""What is a bind, what is a second statement, and what a statement does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.sql.binds import Bind, InList
from steprunners.clients.sql.lexicon import MYSQL, POSTGRESQL, SQLITE, Lexicon
from steprunners.clients.sql.statement import parse_statement
from steprunners.errors import BadConfig

ALL = pytest.mark.parametrize("lexicon", [POSTGRESQL, MYSQL, SQLITE], ids=["postgresql", "mysql", "sqlite"])


@ALL
@pytest.mark.parametrize(
    ("query", "binds"),
    [
        ("select :a, :b_2, :a", ("a", "b_2")),
        ("select ':a', \":b\"", ()),
        ("select 'it''s :a', :b", ("b",)),
        ("select /* :a */ 1 -- :b\n, :c", ("c",)),
        ("select x::text, :y::int", ("y",)),
        ("select a[1:2], @v := 3, b:=4", ()),
        ("select 1 where :a=:b", ("a", "b")),
        ("select :größe, :名前, :_x, :x1", ("größe", "名前", "_x", "x1")),
        ("select :ключ::text, ':größe'", ("ключ",)),
        ("select :हिन्दी, 1", ("हिन्दी",)),
        ("select :gro\u0308ße", ("größe",)),
        ("select :größe。, :²", ("größe",)),
        ("select a ? :b, c ?| d, e ?& f, 5 % :g", ("b", "g")),
        ("select :a:b", ("a", "b")),
        ("select f(x => :a), (:b)", ("a", "b")),
        ("select '{\"a\": :b}', '12:30', :c", ("c",)),
        ("select :a IN (:b, c, :d) AND :e NOT IN (lower(:f))", ("a", "b", "d", "e", "f")),
    ],
)
def test_binds_are_found_outside_of_text_and_comments(
    lexicon: Lexicon, query: str, binds: tuple[str, ...]
) -> None:
    assert parse_statement(query, lexicon).binds == binds


@pytest.mark.parametrize(
    ("lexicon", "query", "binds"),
    [
        (POSTGRESQL, "select E'\\':a', :b", ("b",)),
        (POSTGRESQL, "select '\\', :b", ("b",)),
        (POSTGRESQL, "select $$ :a ; $x$ $$, $x$ :b $$ $x$, :c", ("c",)),
        (POSTGRESQL, "select /* /* :a */ :b */ :c", ("c",)),
        (MYSQL, "select '\\':a', :b", ("b",)),
        (MYSQL, "select `:a`, :b # :c", ("b",)),
        (MYSQL, "select 1--:a", ("a",)),
        (SQLITE, "select [:a], :b", ("b",)),
    ],
)
def test_each_database_has_quotes_of_its_own(lexicon: Lexicon, query: str, binds: tuple[str, ...]) -> None:
    assert parse_statement(query, lexicon).binds == binds


@pytest.mark.parametrize(
    ("query", "binds"),
    [
        ("select a[1:n], a[1:2], a[n:m], a[(n):m], b[1:n][2:m]", ()),
        ("select a[1 : :n], a[(:n)], a[lower(:m)]", ("n", "m")),
        ("select a[1 + :n]", ("n",)),
        ("select a[1::int]", ()),
        ("select array[:a, :b], array[[:c], [:d]]", ("a", "b", "c", "d")),
        ("select x = any(array[:a])", ("a",)),
        ("select a[case when b then :n end]", ("n",)),
    ],
)
def test_a_slice_is_no_bind(query: str, binds: tuple[str, ...]) -> None:
    assert parse_statement(query, POSTGRESQL).binds == binds


@pytest.mark.parametrize(
    "query", ["select tags[:n]", "select tags[:n:m]", "select (x)[1][ :n]", 'select "t"[:n::int]']
)
def test_what_may_be_a_slice_or_a_bind_is_explained(query: str) -> None:
    with pytest.raises(BadConfig, match=r"write \[\(:n\)\] for the element.*\[1 : :n\] for a slice.*\[1:n\]"):
        parse_statement(query, POSTGRESQL)


@ALL
@pytest.mark.parametrize("query", ["select 1; select 2", "select 1;;drop table x", "select 1; -- x\n commit"])
def test_a_second_statement_is_refused(lexicon: Lexicon, query: str) -> None:
    with pytest.raises(BadConfig, match="more than one statement"):
        parse_statement(query, lexicon)


@ALL
@pytest.mark.parametrize("query", ["", "  ", ";", "-- only this", "/* x */ ;"])
def test_nothing_is_refused(lexicon: Lexicon, query: str) -> None:
    with pytest.raises(BadConfig, match="no statement"):
        parse_statement(query, lexicon)


@ALL
@pytest.mark.parametrize("query", ["select 'a", 'select "a', "select /* a"])
def test_an_open_quote_is_refused(lexicon: Lexicon, query: str) -> None:
    with pytest.raises(BadConfig, match="is opened and never closed"):
        parse_statement(query, lexicon)


@pytest.mark.parametrize("query", ["select 1 /*!50000 , 2 */", "/*M! drop table x */", 'select "a\\" :x'])
def test_what_a_mysql_may_read_otherwise_is_refused(query: str) -> None:
    with pytest.raises(BadConfig, match="line 1"):
        parse_statement(query, MYSQL)


@pytest.mark.parametrize(
    ("query", "verb", "writes"),
    [
        ("select 1;", "SELECT", False),
        (" (select 1) union (select 2)", "SELECT", False),
        ("with a as (select 1) select * from a", "SELECT", False),
        ("with a as (select 1) delete from b", "DELETE", True),
        ("with a as (delete from b returning *) select * from a", "SELECT", True),
        ("select 'delete'", "SELECT", False),
        ("-- hello\ninsert into x values (1)", "INSERT", True),
    ],
)
def test_it_tells_what_the_statement_does(query: str, verb: str, writes: bool) -> None:
    statement = parse_statement(query, POSTGRESQL)
    assert (statement.verb, statement.writes) == (verb, writes)


@ALL
def test_the_final_semicolon_goes(lexicon: Lexicon) -> None:
    assert parse_statement("select :a ; ", lexicon).parts == ("select ", Bind("a"))


@ALL
@given(
    text=st.lists(
        st.sampled_from([*"ab'\"`$:;/*-#\\\n []eE!(),1", " IN (", " not in ", ":a", ":ö", "="])
    ).map("".join)
)
def test_any_text_is_parsed_or_refused(lexicon: Lexicon, text: str) -> None:
    try:
        statement = parse_statement(text, lexicon)
    except BadConfig:
        return
    parts = [
        each for part in statement.parts for each in (part.parts if isinstance(part, InList) else (part,))
    ]
    joined = "".join(part if isinstance(part, str) else f":{part.name}" for part in parts)
    assert text.startswith(joined)
