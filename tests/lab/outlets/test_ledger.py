"""The ledger: rows on PostgreSQL and SQLite (MariaDB: tests/systems), and addresses that are none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from lab.orders import Order
from lab.outlets.ledger import DRIVERS, Ledger

ORDER = Order("o-1", "cup", 2, "FULFILLED", 1, 1_795_363_021_390)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
        return
    address = os.environ["DATABASE_URL"]
    if not address.startswith("postgres"):
        pytest.skip("Django's database is no PostgreSQL now")
    name = f"lab_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        yield f"postgresql{address[address.index('://') :].rpartition('/')[0]}/{name}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def rows(url: str) -> list[tuple[object, ...]]:
    scheme, _, rest = url.partition(":")
    engine = create_engine(f"{DRIVERS[scheme]}:{rest}")
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text("select * from orders"))]
    engine.dispose()
    return found


def test_an_order_has_a_row_until_it_is_forgotten(url: str) -> None:
    ledger, second = Ledger(url), Ledger(url)
    assert ledger.system == url.partition(":")[0]
    ledger.open()
    second.open()  # the table is there already
    ledger.write(ORDER)
    assert rows(url) == [("o-1", "cup", 2, "FULFILLED", 1_795_363_021_390)]
    ledger.forget("o-1")
    assert rows(url) == []
    ledger.close()
    second.close()


@pytest.mark.parametrize("url", ["", "no address", "oracle://a/b", "postgresql+asyncpg://a/b"])
def test_what_is_no_address_of_a_database_we_know_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Ledger(url)
