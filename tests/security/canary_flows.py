"""Flows that put canary secrets wherever a flow can put one."""

from __future__ import annotations

from typing import Any

#: No secret: what is found shows that the search works.
PLAIN = "PlainMarker12345"

_SECRETS = ("default_secret", "run_secret", "env_secret")


def _http(name: str, url: str, meta: dict[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    whole = {"url": url, **(meta or {})}
    return {"name": name, "stepType": "http", "meta": whole, "continueOnFailure": True, **envelope}


def _post(name: str, url: str, body: Any, **envelope: Any) -> dict[str, Any]:
    return _http(name, url, {"method": "POST", "body": body}, **envelope)


def _if(name: str, operator: str, otherwise: list[Any]) -> dict[str, Any]:
    condition = {"left": "${env_secret}", "operator": operator, "right": "${run_secret}"}
    meta = {"branches": [{"condition": condition, "steps": []}], "elseSteps": otherwise}
    return {"name": name, "stepType": "condition", "continueOnFailure": True, "meta": meta}


def child_flow() -> dict[str, Any]:
    """Return a flow whose variable is no secret of its own: its caller puts one into it."""
    own = {"name": "own", "secret": True, "required": True}
    told = _post("told", "${base_url}/tell", {"note": "${note}", "own": "${own}"})
    return {"name": "Child", "variables": [{"name": "base_url"}, {"name": "note"}, own], "steps": [told]}


def canary_flow(base: str, child: str, default: str) -> dict[str, Any]:
    """Return the flow; `base` is the telltale's address, `child` the id of the flow that it calls."""
    return {
        "name": "Canaries",
        "labels": [PLAIN],
        "variables": [
            {"name": "default_secret", "secret": True, "defaultValue": default},
            {"name": "run_secret", "secret": True, "required": True},
        ],
        "steps": [
            *_extracting(base),
            *_signing_in(base),
            *_failing(base),
            *_inside(base, child),
            _last(base),
        ],
    }


def _extracting(base: str) -> list[dict[str, Any]]:
    def secret(name: str) -> dict[str, Any]:
        return {name: {"path": "body.token", "secret": True}}

    wrong = {"field": "body.body", "operator": "equals", "expectedValue": "${run_secret} was expected"}
    headers = {"X-Api-Key": "${urlEncode(env_secret)}", "Authorization": "Bearer ${base64(run_secret)}"}
    body = {**{name: f"${{{name}}}" for name in _SECRETS}, "plain": PLAIN}
    whole = {"method": "POST", "headers": headers, "query": {"q": "${default_secret}"}, "body": body}
    used = {"X-Api-Key": "${token}", "Cookie": "t=${token}"}
    return [
        _http("late", f"{base}/late", runInBackground=True, extract=secret("late_token")),
        _http("known", f"{base}/known?${{late_token}}", runInBackground=True),
        _http("beside", f"{base}/beside"),
        _http(
            "told", f"{base}/tell/${{run_secret}}", whole, assertions=[wrong], extract={"seen": "body.path"}
        ),
        _post("signed", f"{base}/tell", "${hmacSha256(run_secret, default_secret)} ${json(env_secret)}"),
        _http("login", f"{base}/login", extract=secret("token")),
        _http("used", f"{base}/to/${{token}}", {"headers": used}),
    ]


def _signing_in(base: str) -> list[dict[str, Any]]:
    client = {"clientId": "me", "clientSecret": "${run_secret}"}
    oauth = {"type": "oauth2ClientCredentials", "tokenUrl": f"{base}/token", **client}
    basic = {"type": "basic", "username": "me", "password": "${default_secret}"}
    return [
        _http("resource", "/fail", {"resourceId": "told-http", "method": "POST", "body": "${seen}"}),
        _http("oauth", f"{base}/tell", {"auth": oauth}),
        _http("basic", f"{base}/tell", {"auth": basic}),
    ]


def _failing(base: str) -> list[dict[str, Any]]:
    cache = {"resourceId": "told-redis", "operation": "get", "key": "${default_secret}"}
    return [
        _http("nowhere", "http://127.0.0.1:1/${run_secret}"),
        _http("nohost", "http://${run_secret}/"),
        {"name": "cache", "stepType": "redis", "meta": cache, "continueOnFailure": True},
        _post("again", f"{base}/fail", "${env_secret}", retry={"maxRetries": 2, "initialDelayMs": 1}),
    ]


def _inside(base: str, child: str) -> list[dict[str, Any]]:
    given = {"base_url": base, "note": "about ${run_secret}", "own": "${child_secret}"}
    call = {"flowId": child, "variables": given}
    return [
        _http("each", f"{base}/tell?item=${{item}}", forEach=["${run_secret}", "${token}"]),
        _if("branch", "equals", [_http("inside", f"{base}/tell?${{run_secret}}=1")]),
        _if("wrong", "gt", []),
        {"name": "child", "stepType": "flow", "meta": call, "continueOnFailure": True},
    ]


def _last(base: str) -> dict[str, Any]:
    return _http("last", f"{base}/tell/${{late_token}}", alwaysRun=True)
