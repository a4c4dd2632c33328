"""An http step of a run as a curl command: reads what is stored of it, its resource and its cookie jar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from executions.models import Execution, ExecutionStep
from resources.configuration import masked
from resources.secret_warnings import readable_secrets
from resources.selectors import find_resource
from steprunners.clients.http.curl_command import SentStep, curl_command
from steprunners.errors import BadConfig
from steprunners.masking.credentials import MASK

MOST_STEPS = 200  # earlier steps whose answers are looked at for cookies


def curl_of(execution: Execution, step: ExecutionStep) -> str:
    """Return the command; raise StepError where the step sent nothing, or it cannot be said what."""
    request = step.request
    if step.step_type != "http" or not isinstance(request, dict):
        raise BadConfig("the step sent no HTTP request")
    sent = SentStep(
        request=request,
        resource=_resource(execution, request.get("resourceId")),
        redirects=list(_redirects(step.response)),
        cookies=list(dict.fromkeys(_cookies(step, request))),
    )
    return curl_command(sent)


def _resource(execution: Execution, named: Any) -> dict[str, Any] | None:
    """Return the config with every secret masked."""
    found = find_resource(execution.team, str(named), "http", execution.resource_choices) if named else None
    if found is None:
        return None
    secrets = readable_secrets(found)
    auth = secrets.get("auth")
    shown = masked(found.config, secrets)
    if isinstance(auth, dict):
        shown["auth"] = {key: value if key == "type" else MASK for key, value in auth.items()}
    return shown


def _redirects(response: Any) -> Iterator[tuple[int, str]]:
    """Yield the status of each redirect, and where it led to."""
    if not isinstance(response, dict) or not isinstance(response.get("redirects"), list):
        return
    hops = response["redirects"]
    for hop, following in zip(hops, [*hops[1:], response], strict=False):
        yield int(hop["status"]), str(following.get("url"))


def _cookies(step: ExecutionStep, request: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the cookies that earlier steps with the same jar got from the same host."""
    jar = request.get("cookieJar")
    if not jar or step.started_at is None:
        return
    before = ExecutionStep.objects.filter(
        execution_id=step.execution_id,
        step_type="http",
        completed_at__lte=step.started_at,
        request__contains='"cookieJar"',
    )
    for earlier in before.only("request", "response").order_by("completed_at")[:MOST_STEPS].iterator(20):
        if isinstance(earlier.request, dict) and earlier.request.get("cookieJar") == jar:
            yield from _set_by(earlier.response, _host(request.get("url")))


def _set_by(response: Any, host: str | None) -> Iterator[str]:
    results = response.get("items") if isinstance(response, dict) and "items" in response else [response]
    for result in results if isinstance(results, list) else []:
        if not isinstance(result, dict) or not isinstance(result.get("cookies"), dict):
            continue
        if host is None or _host(result.get("url")) == host:
            yield from result["cookies"]


def _host(url: Any) -> str | None:
    with suppress(ValueError):
        return urlsplit(str(url)).hostname
    return None
