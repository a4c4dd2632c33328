"""The interface to one kind of database: everything that differs between databases."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import sqlalchemy as sa

from steprunners.clients.sql.connection import SqlConnection
from steprunners.clients.sql.lexicon import Lexicon
from steprunners.clients.sql.rendering import Rendered
from steprunners.clients.sql.statement import Statement
from steprunners.errors import Refused, StepError
from steprunners.network import Call

#: Statements that would leave the step's transaction, or change the session for the next user of the connection.
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


class Dialect(ABC):
    """One kind of database and its driver. Instances are stateless."""

    name: ClassVar[str]
    #: SQLAlchemy's name of dialect and driver.
    drivername: ClassVar[str]
    lexicon: ClassVar[Lexicon]
    #: The verbs of statements (after WITH …) that are allowed where `readOnly` is true.
    reading: ClassVar[frozenset[str]]
    #: Whether connections are worth keeping.
    pooled: ClassVar[bool] = True
    #: The driver's own errors, for calls that do not go through SQLAlchemy.
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
        """Begin a transaction; the server itself must stop its statements at the deadline of the call."""

    @abstractmethod
    def clean(self, raw: Any) -> None:
        """Undo the changes of a statement to the session, so that the connection can be used again."""

    @abstractmethod
    def render(self, statement: Statement, values: Mapping[str, Any]) -> Rendered:
        """Return the statement for the driver."""

    @abstractmethod
    def explain(self, error: BaseException, names: Sequence[str] = ()) -> StepError:
        """Explain the error of the driver in words for a tester; `names` are the binds in the order of the values."""

    @abstractmethod
    def version(self, raw: Any) -> str:
        """Ask the server for its version."""

    def streams(self, _statement: Statement) -> bool:
        """Whether the statement's rows can be fetched piece by piece."""
        return True

    def is_spoilt(self, statement: Statement, *, unread: bool) -> bool:  # noqa: ARG002  # called by keyword
        """Whether the connection must not be used again after this statement; `unread`: whether rows are left."""
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
