"""Check whether the server of a resource answers, by really connecting to it within five seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.db import connection as database
from pydantic import ValidationError

from resources.models import Resource
from resources.network import policy_of
from resources.secrets.encryption import SecretsUnreadable
from resources.selectors import connection_of, secret_values
from steprunners.deadline import Deadline
from steprunners.errors import StepError
from steprunners.masking.known_secrets import KnownSecrets, hiding
from steprunners.registry import check_connection

SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it answers, what was found or is wrong (without secrets), and how long that took in milliseconds."""

    ok: bool
    message: str
    latency_ms: int


def check_resource(resource: Resource, *, seconds: float = SECONDS) -> Verdict:
    """Connect to the resource and return the result. Raises nothing that a config or a server can cause."""
    started = time.monotonic()
    ok, message = _checked(resource, Deadline(seconds))
    return Verdict(ok, message, round((time.monotonic() - started) * 1000))


def _checked(resource: Resource, deadline: Deadline) -> tuple[bool, str]:
    try:
        connection, secrets = connection_of(resource), secret_values(resource)
        network = policy_of(resource.team_id)
    except (ValidationError, KeyError):
        return False, "its config is not valid in this version: save it again"
    except SecretsUnreadable as error:
        return False, str(error)
    _give_database_back()
    known = KnownSecrets(secrets)
    with hiding(known):
        try:
            ok, message = True, check_connection(resource.type, connection, network, deadline)
        except StepError as error:
            ok, message = False, error.message
    return ok, known.hide_text(message)


def _give_database_back() -> None:
    """Give this thread's connection to our own database back while it waits for somebody else's server.

    The pool has a few dozen connections; the next query takes another one.
    """
    if not database.in_atomic_block:
        database.close()
