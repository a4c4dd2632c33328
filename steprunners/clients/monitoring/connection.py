"""The connection to a Loki or a Prometheus: its address, its login, and how long one query may take."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar
from urllib.parse import urlencode

from pydantic import AfterValidator, Field, model_validator
from requests.structures import CaseInsensitiveDict

from steprunners.clients.bindings import FREE, SERVER
from steprunners.clients.http.authentication import basic_authorization
from steprunners.clients.monitoring.answers import judged
from steprunners.clients.monitoring.durations import duration_ms
from steprunners.clients.server_fields import CaCertificate, VerifyTls, check_server_url
from steprunners.config import ConnectionConfig, Secret
from steprunners.deadline import Deadline
from steprunners.json_types import Json
from steprunners.network import Call, HttpRequest, TlsOptions, send

_UNSAFE_IN_HEADER = re.compile(r"[\x00-\x1f\x7f]")
#: A longer query is sent in the body of a POST: proxies refuse long request lines.
_LONGEST_IN_URL = 4_000


def _check_url(value: str) -> str:
    return check_server_url(value, "url")


def header_safe(value: str) -> str:
    """Return the value; raise ValueError where it contains a character that a header must not have."""
    if _UNSAFE_IN_HEADER.search(value):
        raise ValueError("the value contains a line break or another control character")
    return value


def _check_timeout(value: float | str) -> float | str:
    if isinstance(value, str):
        duration_ms(value)
    elif not 0 < value <= 3_600:
        raise ValueError("timeout must be a duration such as 30s, or seconds from 0 to 3600")
    return value


class MonitoringConnection(ConnectionConfig):
    """The HTTP API of a monitoring server."""

    product: ClassVar[str]
    #: A path, with its parameters, that answers 200 to everybody who may send queries.
    probe: ClassVar[tuple[str, dict[str, str]]]

    url: Annotated[str, AfterValidator(_check_url), SERVER] = Field(
        description="The server's address, without /api/v1 or /loki/api/v1."
    )
    auth_token: Annotated[Secret, AfterValidator(header_safe)] | None = Field(
        None, description="Sent as a bearer token."
    )
    username: Annotated[str | None, FREE] = Field(None, description="For basic authentication.")
    password: Secret | None = None
    timeout: Annotated[Annotated[float | str, AfterValidator(_check_timeout)] | None, FREE] = Field(
        None, description="How long one query may take: a duration such as 30s, or seconds."
    )
    verify_tls: VerifyTls = True
    ca_certificate: CaCertificate = None

    @model_validator(mode="after")
    def _one_login(self) -> MonitoringConnection:
        if self.auth_token is not None and self.username is not None:
            raise ValueError("give either authToken, or username and password")
        if self.password is not None and self.username is None:
            raise ValueError("a password needs a username")
        return self

    def patience(self, remaining_seconds: float) -> float:
        """Return how many seconds a query may take when the step has `remaining_seconds` left."""
        if self.timeout is None:
            return remaining_seconds
        own = duration_ms(self.timeout) / 1000 if isinstance(self.timeout, str) else self.timeout
        return min(own, remaining_seconds)

    def ask(self, call: Call, path: str, parameters: dict[str, str]) -> dict[str, Json]:
        """Return the JSON object that the server answers; raise StepError, in words for a tester, for other answers."""
        deadline = Deadline(self.patience(call.deadline.remaining()))
        response = send(
            Call(call.policy, deadline, call.cancellation), self._request(path, urlencode(parameters))
        )
        return judged(response, product=self.product, url=self.url)

    def headers(self) -> CaseInsensitiveDict[str]:
        """Return the headers of every request."""
        headers = CaseInsensitiveDict[str]({"Accept": "application/json"})
        if self.auth_token is not None:
            headers["Authorization"] = f"Bearer {self.auth_token}"
        elif self.username is not None:
            headers["Authorization"] = basic_authorization(self.username, self.password or "")
        return headers

    def _request(self, path: str, query: str) -> HttpRequest:
        url, headers = self.url.rstrip("/") + path, self.headers()
        tls = TlsOptions(verify=self.verify_tls, ca_certificate=self.ca_certificate or None)
        if len(query) <= _LONGEST_IN_URL:
            return HttpRequest("GET", f"{url}?{query}", headers, tls=tls)
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        return HttpRequest("POST", url, headers, body=query.encode(), tls=tls)
