"""What services of accounts raise, as errors of the REST API."""

from __future__ import annotations

from django.core.exceptions import ValidationError as WeakPassword
from rest_framework import exceptions, status


class MailUnavailable(exceptions.APIException):
    """The mail could not be asked for."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "Mail cannot be sent at the moment. Try again in a minute."
    default_code = "mail_unavailable"
    wait = 60  # seconds: REST framework makes it a Retry-After


def weak_password(place: str, problem: WeakPassword) -> exceptions.ValidationError:
    """Return everything that the validators say, at its place."""
    details = [
        exceptions.ErrorDetail(text, one.code or "invalid")
        for one in problem.error_list
        for text in one.messages
    ]
    return exceptions.ValidationError({place: details})


def link_over() -> exceptions.ValidationError:
    """Return the error of a link that does not work any more."""
    return exceptions.ValidationError(
        {"token": ["This link is incomplete, has expired, or was already used. Ask for a new one."]},
        "link_over",
    )
