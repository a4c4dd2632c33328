"""The errors with which a step can end, one class a code."""

from __future__ import annotations

from steprunners.json_types import Json


class StepError(Exception):
    """The step could not be carried out: it ends in ERROR with `code` and `message`.

    Each subclass has a code. A step type may raise `StepError` itself with a code of its own.
    """

    code = "error"

    def __init__(
        self, message: str, *, code: str | None = None, result: dict[str, Json] | None = None
    ) -> None:
        """Keep the message for the tester, and the part of the result that is known."""
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.result = result


class ConnectionFailed(StepError):
    """There is no connection, or it was lost: name not found, refused, reset, TLS."""

    code = "connection_failed"


class DeadlineExceeded(StepError):
    """The deadline of the attempt (`timeoutMs`) is over."""

    code = "deadline_exceeded"


class Refused(StepError):
    """The server understood the request and refused it (login, query, ACL)."""

    code = "refused"


class AddressRefused(StepError):
    """The network policy does not allow this address."""

    code = "address_refused"


class BadConfig(StepError):
    """`meta` is not valid once its references are resolved."""

    code = "bad_config"


class BadReference(StepError):
    """A reference has no value, or its value is not allowed in this place."""

    code = "bad_reference"


class Cancelled(StepError):
    """The execution was cancelled during the call."""

    code = "cancelled"


class Interrupted(StepError):
    """The worker was lost, so it is unknown whether the call happened."""

    code = "interrupted"
