"""What differs from database to database, behind one interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.lexicon import Lexicon
from steprunners.clients.sql.statement import Statement
from steprunners.errors import Refused, StepError
from steprunners.network import Call

#: What would leave the step's transaction, or change the session for those who use the connection next.
SESSION_WORDS = frozenset(
    [
        "ABORT",
        "BEGIN",
        "CHECKPOINT",
        "CLOSE",
        "CLUSTER",
        "COMMIT",
        "COPY",
        "DEALLOCATE",
        "DECLARE",
        "DELIMITER",
        "DISCARD",
        "END",
        "EXECUTE",
        "FETCH",
        "FLUSH",
        "HANDLER",
        "KILL",
        "LISTEN",
        "LOAD",
        "LOCK",
        "MOVE",
        "NOTIFY",
        "PREPARE",
        "PURGE",
        "REINDEX",
        "RELEASE",
        "RESET",
        "ROLLBACK",
        "SAVEPOINT",
        "SET",
        "SHUTDOWN",
        "START",
        "UNLISTEN",
        "UNLOCK",
        "USE",
        "VACUUM",
        "XA",
        "ATTACH",
        "DETACH",
        "PRAGMA",
    ]
)


@dataclass(frozen=True)
class Rendered:
    """A statement as the driver takes it, with its values."""

    text: str
    values: tuple[Any, ...] | dict[str, Any]


class Dialect(ABC):
    """One kind of database and its driver. Instances are stateless."""

    name: ClassVar[str]
    #: SQLAlchemy's name of dialect and driver.
    drivername: ClassVar[str]
    lexicon: ClassVar[Lexicon]
    #: What a statement may begin with (after WITH …) where `readOnly` is true.
    reading: ClassVar[frozenset[str]]
    #: Whether connections are worth keeping.
    pooled: ClassVar[bool] = True
    #: What the driver raises where SQLAlchemy does not stand between.
    driver_errors: ClassVar[tuple[type[Exception], ...]]
    engine_options: ClassVar[Mapping[str, Any]] = {}

    @abstractmethod
    def connect(self, connection: SqlConnection, call: Call) -> Any:
        """Return an open DBAPI connection in autocommit mode whose socket `call` watches; raises StepError."""

    @abstractmethod
    def descriptor(self, raw: Any) -> int | None:
        """Return the file descriptor of the connection's socket, or None where it has none."""

    @abstractmethod
    def begin(self, connection: sa.Connection, *, read_only: bool, call: Call) -> None:
        """Begin a transaction whose statements the server itself ends at the call's deadline."""

    @abstractmethod
    def clean(self, raw: Any) -> None:
        """Undo what a statement left in the session, so that the connection can be used again."""

    @abstractmethod
    def render(self, statement: Statement, values: Mapping[str, Any]) -> Rendered:
        """Return the statement for the driver."""

    @abstractmethod
    def explain(self, error: BaseException) -> StepError:
        """Return what the driver's error means, in a tester's words."""

    @abstractmethod
    def version(self, raw: Any) -> str:
        """Ask the server for its version."""

    def streams(self, _statement: Statement) -> bool:
        """Whether the statement's rows can be fetched piece by piece."""
        return True

    def is_spoilt(self, statement: Statement, *, unread: bool) -> bool:  # noqa: ARG002  # called by keyword
        """Whether the connection must not be used again after this statement, of which rows may be `unread`."""
        return False


def check_allowed(dialect: Dialect, statement: Statement, *, read_only: bool) -> None:
    """Raise StepError where the statement leaves its transaction, or writes where `readOnly` is true."""
    for word in (statement.first_word, statement.verb):
        if word in SESSION_WORDS:
            raise Refused(f"a step cannot run {word}: each step has a transaction and a session of its own")
    if not read_only:
        return
    if statement.verb not in dialect.reading:
        raise Refused(
            f"{statement.verb} is refused because readOnly is true: a step that changes data needs readOnly: false"
        )
    if statement.has("OUTFILE", "DUMPFILE"):
        raise Refused("INTO OUTFILE writes a file on the server, which readOnly forbids")
