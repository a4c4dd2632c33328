"""Explains the failures of a Redis server in words for a tester."""

from __future__ import annotations

from redis.exceptions import (
    AuthenticationError,
    InvalidResponse,
    MovedError,
    NoPermissionError,
    RedisError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeout

from steprunners.errors import ConnectionFailed, DeadlineExceeded, Refused, StepError
from steprunners.network import Call

#: What redis-py raises while it connects, sends or reads; a reply that is not RESP raises ValueError or RecursionError.
FAILURES = (RedisError, OSError, ValueError, RecursionError)


def explained(call: Call, error: Exception) -> StepError:
    """Return the step's error; a deadline or cancellation takes precedence."""
    try:
        call.check()
    except StepError as over:
        return over
    if isinstance(error, ResponseError | AuthenticationError):
        return _refusal(error)
    if isinstance(error, RedisTimeout | TimeoutError):
        return DeadlineExceeded(f"no complete reply within {round(call.deadline.seconds * 1000)} ms")
    if isinstance(error, InvalidResponse | ValueError | RecursionError):
        return StepError(
            "the server does not speak the Redis protocol: are host, port and tls right?", code="bad_response"
        )
    return ConnectionFailed(f"the connection was lost ({_plain(error)}): are host, port and tls right?")


def _refusal(error: Exception) -> Refused:
    if isinstance(error, AuthenticationError):
        return Refused(f"the server refuses the login: {_plain(error)}")
    if isinstance(error, NoPermissionError):
        return Refused(f"the user may not do this: NOPERM {_plain(error)}")
    if isinstance(error, MovedError):
        return Refused(
            f"the key is on another node of the cluster ({error.host}:{error.port}): use a resource for that node"
        )
    if "DB index" in str(error):
        return Refused(f"the server has no such database: {_plain(error)}")
    return Refused(f"the server refuses the command: {_plain(error)}")


def _plain(error: Exception) -> str:
    return str(error).rstrip(".")
