"""Checks that the server of an http resource answers and accepts the credentials."""

from __future__ import annotations

from requests.structures import CaseInsensitiveDict

from steprunners.clients.http.authentication import authorization
from steprunners.clients.http.building import resource_headers, resource_tls
from steprunners.clients.http.connection import HttpConnection
from steprunners.deadline import Cancellation, Deadline
from steprunners.errors import Refused
from steprunners.network import Call, HttpRequest, HttpResponse, NetworkPolicy, send
from steprunners.runner import ExecutionFacts, StepContext

_LOGIN_STATUSES = (401, 403, 407)


def check_server(connection: HttpConnection, network: NetworkPolicy, deadline: Deadline) -> str:
    """Send a GET to baseUrl and return what the server answered; raise StepError without an answer or a login.

    It fetches a real token. HEAD would be cheaper, but some servers answer it with 404, 405 or not at all.
    """
    cancellation = Cancellation()
    context = StepContext[HttpConnection](deadline, cancellation, network, ExecutionFacts("check", 0))
    tls = resource_tls(connection)
    headers: CaseInsensitiveDict[str] = resource_headers(connection)
    if connection.auth is not None and "Authorization" not in headers:
        headers["Authorization"] = authorization(connection.auth, tls, context)
    request = HttpRequest("GET", connection.base_url, headers, tls=tls, for_origin=tuple(connection.headers))
    return _judged(send(Call(network, deadline, cancellation), request))


def _judged(response: HttpResponse) -> str:
    answer = f"{response.status} {response.reason}".strip()
    if response.status in _LOGIN_STATUSES:
        raise Refused(f"the server refuses the login: {answer}")
    return f"the server answers {answer}"
