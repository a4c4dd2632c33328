"""The ledger: a row an order in PostgreSQL, MySQL, MariaDB or SQLite."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, BigInteger, Column, Integer, MetaData, String, Table, create_engine, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from lab.orders import Order
from lab.outlets import PATIENCE_SECONDS

DRIVERS = {
    "postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mysql+pymysql", "sqlite": "sqlite",
}  # fmt: skip
WAITS: dict[str, dict[str, Any]] = {
    "postgresql": {
        "connect_timeout": PATIENCE_SECONDS,
        "options": f"-c statement_timeout={PATIENCE_SECONDS}s",
    },
    "mysql": {"connect_timeout": PATIENCE_SECONDS, "read_timeout": PATIENCE_SECONDS},
    "mariadb": {"connect_timeout": PATIENCE_SECONDS, "read_timeout": PATIENCE_SECONDS},
    "sqlite": {"timeout": PATIENCE_SECONDS},
}
ORDERS = Table(
    "orders",
    MetaData(),
    Column("id", String(40), primary_key=True),
    Column("sku", String(40), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("fulfilled_at", BigInteger, nullable=False),
)


class Ledger:
    """Writes rows to the database at `url`, `scheme://user:password@host:port/name`; raises ValueError."""

    def __init__(self, url: str) -> None:
        address = _parsed(url)
        self.system = address.drivername
        self._engine = create_engine(
            address.set(drivername=DRIVERS[self.system]),
            connect_args=WAITS[self.system],
            pool_pre_ping=True,  # a server that was started again is found at once
        )
        self._made = False

    def open(self) -> None:
        """Make the table where there is none."""
        if self._made:
            return
        try:
            ORDERS.create(self._engine, checkfirst=True)
        except SQLAlchemyError:
            # Another shop on the same database may have made it between look and leap; then this succeeds.
            ORDERS.create(self._engine, checkfirst=True)
        self._made = True

    def write(self, order: Order) -> None:
        """Insert the order's row."""
        self.open()
        row = {"id": order.id, "sku": order.sku, "quantity": order.quantity, "status": order.status}
        with self._engine.begin() as connection:
            connection.execute(ORDERS.insert().values(**row, fulfilled_at=order.fulfilledAt))

    def forget(self, order_id: str) -> None:
        """Delete the order's row."""
        self.open()
        with self._engine.begin() as connection:
            connection.execute(ORDERS.delete().where(ORDERS.c.id == order_id))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _parsed(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise ValueError(f"not the URL of a database: {url}") from None
    if address.drivername not in DRIVERS:
        raise ValueError(f"a database's URL begins with one of {', '.join(DRIVERS)}: {address.drivername}")
    return address
