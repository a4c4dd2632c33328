"""An http step of a run as a curl command: reads what is stored of it, its resource and its cookie jar."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from executions.engine.sessions import entries_at
from executions.models import Execution, ExecutionStep, StepAttempt
from resources.configuration import masked
from resources.secret_warnings import readable_secrets
from resources.selectors import find_resource
from steprunners.clients.http.config import session_of_jar
from steprunners.clients.http.curl_command import SentStep, curl_command
from steprunners.errors import BadConfig
from steprunners.masking.credentials import MASK
from steprunners.network.cookies import CookieJar

MOST_ITEMS = 100  # of a `forEach`: the first ones, whose commands are copied together


def curl_of(execution: Execution, step: ExecutionStep) -> str:
    """Return the command; raise StepError where the step sent nothing, or it cannot be said what."""
    request = step.request
    if step.step_type != "http" or not isinstance(request, dict):
        raise BadConfig("the step sent no HTTP request")
    commands = [_command(execution, step, call) for call in _calls(step)]
    if step.attempt_history.filter(item__gte=MOST_ITEMS).exists():
        commands.append(f"# These are the first {MOST_ITEMS} items.")
    return "\n".join(commands)


def _calls(step: ExecutionStep) -> list[ExecutionStep | StepAttempt]:
    """Return the last attempt of each item of a `forEach`; for another step that step itself."""
    rows = step.attempt_history.filter(item__lt=MOST_ITEMS).defer("assertions").order_by("number")
    last = {attempt.item: attempt for attempt in rows.iterator(20) if isinstance(attempt.request, dict)}
    return [*last.values()] or [step]


def _command(execution: Execution, step: ExecutionStep, call: ExecutionStep | StepAttempt) -> str:
    request: dict[str, Any] = call.request  # `curl_of` and `_calls` have looked
    sent = SentStep(
        request=request,
        resource=_resource(execution, request.get("resourceId")),
        redirects=list(_redirects(call.response)),
        cookies=_cookies(step, request, _sent_at(step, call)),
    )
    return curl_command(sent)


def _sent_at(step: ExecutionStep, call: ExecutionStep | StepAttempt) -> datetime | None:
    """Return when the call's last attempt began: it had the cookies of those before it."""
    last = step.attempt_history.order_by("number").last() if call is step else None
    return call.started_at if last is None else last.started_at


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


def _cookies(step: ExecutionStep, request: dict[str, Any], moment: datetime | None) -> CookieJar:
    """Return the step's jar as it was at that moment, without values."""
    jar = request.get("cookieJar")
    if not jar or moment is None:
        return CookieJar()
    others = ExecutionStep.objects.filter(execution_id=step.execution_id).exclude(pk=step.pk)
    ended = others.filter(completed_at__lte=moment).values_list("position", flat=True)
    entries = entries_at(step.execution_id, session_of_jar(str(jar)), moment, set(ended))
    return CookieJar({name: _shown(entry, moment) for name, entry in entries.items()})


def _shown(entry: dict[str, Any], moment: datetime) -> dict[str, Any]:
    """Return the entry with the value masked, and as one without an end where it had not ended at that moment."""
    cookie = entry.get("cookie")
    if not cookie or (cookie["expires"] is not None and cookie["expires"] <= moment.timestamp()):
        return {"at": entry["at"]}
    return {"at": entry["at"], "cookie": {**cookie, "value": MASK, "expires": None}}
