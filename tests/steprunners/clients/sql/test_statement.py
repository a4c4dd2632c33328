"""What is a bind, what is a second statement, and what a statement does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steprunners.clients.sql.lexicon import MYSQL, POSTGRESQL, SQLITE, Lexicon
from steprunners.clients.sql.statement import Bind, parse_statement
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
@given(text=st.text(alphabet="ab'\"`$:;/*-#\\\n []eE!", max_size=40))
def test_any_text_is_parsed_or_refused(lexicon: Lexicon, text: str) -> None:
    try:
        statement = parse_statement(text, lexicon)
    except BadConfig:
        return
    joined = "".join(part if isinstance(part, str) else f":{part.name}" for part in statement.parts)
    assert text.startswith(joined)
