"""The errors with which a step can end, one class a code."""

from __future__ import annotations

from steprunners.json_types import Json


class StepError(Exception):
    """The step could not be carried out: it ends in ERROR with `code` and `message`.

    Subclasses name the codes; a kind may raise `StepError` itself with a code of its own.

    - ConnectionFailed `connection_failed`: name not found, refused, reset, TLS
    - DeadlineExceeded `deadline_exceeded`: `timeoutMs` is over
    - Refused `refused`: the server understood and said no (login, query, ACL)
    - AddressRefused `address_refused`: the network guard said no
    - BadConfig `bad_config`: `meta` is not valid once its references are resolved
    - BadReference `bad_reference`: a reference has no value
    - Cancelled `cancelled`: the execution was cancelled while the call ran
    - Interrupted `interrupted`: the worker was lost, so whether the call happened is unknown
    """

    code = "error"

    def __init__(
        self, message: str, *, code: str | None = None, result: dict[str, Json] | None = None
    ) -> None:
        """Keep the message for the tester, and what is known of the result so far."""
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.result = result


class ConnectionFailed(StepError):
    """No connection, or it was lost."""

    code = "connection_failed"


class DeadlineExceeded(StepError):
    """The attempt's total deadline is over."""

    code = "deadline_exceeded"


class Refused(StepError):
    """The server understood the request and refused it."""

    code = "refused"


class AddressRefused(StepError):
    """The network guard does not allow this address."""

    code = "address_refused"


class BadConfig(StepError):
    """`meta` is not valid once its references are resolved."""

    code = "bad_config"


class BadReference(StepError):
    """A reference has no value, or its value cannot stand where it was put."""

    code = "bad_reference"


class Cancelled(StepError):
    """The execution was cancelled while the call ran."""

    code = "cancelled"


class Interrupted(StepError):
    """The worker was lost; whether the call happened is unknown."""

    code = "interrupted"
