"""One set of secrets an execution: what any step knows to be secret is masked in all of them.

Each test is an attack that showed a secret, through the engine and against a real server.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import Team, User
from executions.engine import run_step as engine
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.reports.junit import junit_xml
from executions.starting.rerun import rerun
from executions.starting.start import start_execution
from executions.states import Source
from flows.documents.document import check_document
from flows.models import Flow
from flows.services import create_flow, save_version
from resources.models import Environment, Resource
from resources.services import delete_environment, save_environment, save_resource
from steprunners.network.http_pool import close_connections
from tests.executions.driving import begin, delay, drive, step_of
from tests.steprunners.target import Exchange, Target

pytestmark = pytest.mark.usefixtures("driven")

SECRET = "Cnry-5f0e2d-secret"
MASK = "••••••"


@pytest.fixture
def server() -> Iterator[Target]:
    """A server whose `/echo` repeats the request, and whose `/say` says what the test wants."""
    with Target() as target:
        target.route("/echo", _echo)
        target.route("/ok", lambda exchange: exchange.reply_json({"ok": True}))
        yield target
    close_connections()


def _echo(exchange: Exchange) -> None:
    body = exchange.body.decode("utf-8", "replace")
    exchange.reply_json({"path": exchange.path, "headers": exchange.headers, "body": body})


def says(target: Target, value: Any, headers: Any = ()) -> None:
    target.route("/say", lambda exchange: exchange.reply_json(value, headers=headers))


def http(name: str, url: str, meta: Any = None, **envelope: Any) -> dict[str, Any]:
    return {
        "name": name, "stepType": "http", "meta": {"url": url, **(meta or {})}, "continueOnFailure": True, **envelope,
    }  # fmt: skip


def kept(*executions: Execution) -> str:
    """Return all that is stored of the executions in clear, and what is told of them."""
    found: list[Any] = []
    for execution in Execution.objects.filter(pk__in=[each.pk for each in executions]):
        found += [
            execution.variables,
            execution.error,
            execution.failure,
            execution.labels,
            execution.positions,
        ]
        steps = ExecutionStep.objects.filter(execution=execution)
        names = ("request", "response", "assertions", "extracted", "error", "cut_paths")
        found += [list(steps.values_list(*names))]
        found += [list(StepAttempt.objects.filter(step__in=steps).values_list(*names[:3], "error"))]
        found += [junit_xml([(execution, list(steps))], name="run").decode()]
    return json.dumps(found, ensure_ascii=False, default=str)


def family(execution: Execution) -> list[Execution]:
    """Return the execution and all below it."""
    children = Execution.objects.filter(parent=execution)
    return [execution, *(each for child in children for each in family(child))]


def api_resource(team: Team, server: Target, **config: Any) -> Resource:
    return save_resource(
        team=team, user=None, name="api", type="http", config={"baseUrl": server.url, **config}
    )


def run_to_end(team: Team, steps: list[dict[str, Any]], **options: Any) -> Execution:
    execution = begin(team, steps, **options)
    for _ in range(5):
        done = drive(execution)
        for child in Execution.objects.filter(parent=execution):
            drive(child)
            for below in Execution.objects.filter(parent=child):
                drive(below)
            drive(child)
    return done


# --- connections ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"headers": {"X-Api-Key": SECRET}},
        {"headers": {"Cookie": f"sid={SECRET}"}},
        {"auth": {"type": "bearer", "token": SECRET}},
    ],
)
def test_a_connection_s_secret_is_masked_in_all_steps(team: Team, server: Target, config: Any) -> None:
    api_resource(team, server, **config)
    done = run_to_end(
        team,
        [
            http("a", "/echo", {"resourceId": "api"}),
            http("b", f"{server.url}/echo", {"method": "POST", "body": "${a.body}"}),
            http("c", f"{server.url}/echo?q=${{b.body.body}}", assertions=[
                {"field": "body.path", "operator": "equals", "expectedValue": "${a.body}"},
            ]),
        ],
    )  # fmt: skip
    assert SECRET in server.received[1].body.decode(), "references read what is not masked"
    assert MASK in json.dumps(step_of(done, "b").request, ensure_ascii=False)
    assert SECRET not in kept(done)


def test_a_connection_s_secret_is_masked_in_earlier_steps(team: Team, server: Target) -> None:
    api_resource(team, server, headers={"X-Api-Key": SECRET})
    says(server, {"told": SECRET})
    done = run_to_end(team, [http("a", f"{server.url}/say"), http("b", "/ok", {"resourceId": "api"})])
    assert step_of(done, "a").response["body"] == {"told": MASK}


def test_a_connection_named_by_a_reference_counts_when_used(team: Team, server: Target) -> None:
    api_resource(team, server, headers={"X-Api-Key": SECRET})
    says(server, {"told": SECRET})
    declared = [{"name": "which", "defaultValue": "api"}]
    steps = [http("a", "/ok", {"resourceId": "${which}"}), http("b", f"{server.url}/say")]
    done = run_to_end(team, steps, declared=declared)
    assert step_of(done, "b").response["body"] == {"told": MASK}
    assert SECRET in done.secrets["more"]


def test_a_variable_with_a_connection_s_secret_is_secret(team: Team, server: Target) -> None:
    api_resource(team, server, headers={"X-Api-Key": SECRET})
    declared = [{"name": "note", "defaultValue": f"the key is {SECRET}"}]
    execution = begin(team, [http("a", "/ok", {"resourceId": "api"})], declared=declared)
    assert execution.variables == [{"name": "note", "type": "string", "value": MASK, "secret": True}]


def test_a_token_that_was_fetched_is_masked_in_other_steps(team: Team, server: Target) -> None:
    server.route("/token", lambda exchange: exchange.reply_json({"access_token": SECRET, "expires_in": 60}))
    says(server, {"told": SECRET})
    auth = {"type": "oauth2ClientCredentials", "tokenUrl": f"{server.url}/token", "clientId": "me"}
    steps = [
        http("a", f"{server.url}/ok", {"auth": {**auth, "clientSecret": "another-secret"}}),
        http("b", f"{server.url}/say"),
    ]
    done = run_to_end(team, steps)
    assert step_of(done, "b").response["body"] == {"told": MASK}
    assert SECRET not in kept(done)


@pytest.mark.parametrize("function", ["upper(pw)", "hmacSha256(pw,'x')", "sha256(pw)"])
def test_values_made_from_secrets_are_masked_everywhere(team: Team, server: Target, function: str) -> None:
    declared = [{"name": "pw", "secret": True, "defaultValue": SECRET}]
    made = {"field": "body.path", "operator": "equals", "expectedValue": f"${{{function}}}"}
    when = {"left": f"${{{function}}}", "operator": "exists"}
    steps = [
        http("loop", f"{server.url}/echo?q=${{item}}", forEach=[f"${{{function}}}"]),
        http("asserts", f"{server.url}/ok", assertions=[made]),
        http("asks", f"{server.url}/ok", when=when),
    ]
    done = run_to_end(team, steps, declared=declared)
    text = server.received[0].path.partition("=")[2]
    assert len(text) > 12
    assert text not in kept(done)
    assert text in done.secrets["more"]


def test_what_defaults_are_made_of_is_known(team: Team, server: Target) -> None:
    api_resource(team, server, headers={"X-Api-Key": SECRET})
    declared: list[dict[str, Any]] = [
        {"name": "pw", "secret": True, "defaultValue": "another-long-secret"},
        {"name": "auth", "defaultValue": "Signature ${sha256(pw)}"},
        {"name": "note", "defaultValue": f"the key is {SECRET}"},
        {"name": "loud", "defaultValue": "${upper(note)}"},
    ]
    execution = begin(team, [http("a", "/ok", {"resourceId": "api"})], declared=declared)
    assert [each["value"] for each in execution.variables] == [MASK] * 4
    assert hashlib.sha256(b"another-long-secret").hexdigest() in execution.secrets["more"]


# --- by their place ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [SECRET, "s1"])
def test_a_cookie_is_masked_where_a_later_step_puts_it(team: Team, server: Target, value: str) -> None:
    says(server, {}, [("Set-Cookie", f"sid={value}; Path=/")])
    steps = [
        http("a", f"{server.url}/say", extract={"sid": "cookies.sid"}, assertions=[
            {"field": "cookies.sid", "operator": "equals", "expectedValue": "another"},
            {"field": "cookies", "operator": "equals", "expectedValue": {"sid": "another"}},
        ]),
        http("b", f"{server.url}/ok?s=${{a.cookies.sid}}"),
        http("c", f"{server.url}/ok", {"method": "POST", "body": {"sid": "${sid}", "all": "${a.cookies}"}}),
    ]  # fmt: skip
    done = run_to_end(team, steps)
    a, b, c = (step_of(done, name) for name in "abc")
    assert server.received[1].path == f"/ok?s={value}"
    assert b.request["url"] == f"{server.url}/ok?s={MASK}"
    assert c.request["body"] == {"sid": MASK, "all": {"sid": MASK}}
    assert (a.extracted, a.secret_extracts) == ({}, {"sid": value})
    outcomes = {each["field"]: each for each in a.assertions}
    assert outcomes["cookies.sid"]["actualValue"] == MASK
    assert outcomes["cookies"]["actualValue"] == {"sid": MASK}
    assert outcomes["cookies"]["message"] == f'cookies.sid is "{MASK}", expected "another"'


def test_a_header_with_credentials_is_known_as_a_secret(team: Team, server: Target) -> None:
    says(server, {"told": [SECRET, base64.b64encode(SECRET.encode()).decode()]})
    auth = {"type": "basic", "username": "me", "password": SECRET}
    steps = [http("a", f"{server.url}/ok", {"auth": auth}), http("b", f"{server.url}/say")]
    assert step_of(run_to_end(team, steps), "b").response["body"] == {"told": [MASK, MASK]}


def test_a_short_secret_is_masked_where_an_assertion_names_it(team: Team, server: Target) -> None:
    declared = [{"name": "pin", "secret": True, "defaultValue": "4711"}]
    expected = {"field": "status", "operator": "equals", "expectedValue": "${pin}", "message": "not ${pin}"}
    named = {"field": "body.of_${pin}", "operator": "exists"}
    broken = {"field": "$.body[${pin}", "operator": "exists"}
    asking = http("a", f"{server.url}/ok", assertions=[expected, named, broken])
    outcomes = step_of(run_to_end(team, [asking], declared=declared), "a").assertions
    assert "4711" not in json.dumps(outcomes)
    (told,) = (each for each in outcomes if each["field"] == "status")
    assert (told["expectedValue"], told["message"]) == (MASK, f'not {MASK}: status is 200, expected "{MASK}"')


# --- cut texts --------------------------------------------------------------------------------------

TOKEN = "eyJhbGciOiJIUzI1NiJ9." + "Cnry5f0e2dQ" * 40 + ".sig"


@pytest.mark.parametrize("encode", [str, lambda text: base64.b64encode(text.encode()).decode()])
@pytest.mark.parametrize("before", [0, 100, 16_300])
def test_texts_are_masked_before_they_are_cut(team: Team, server: Target, encode: Any, before: int) -> None:
    said = "x" * before + encode(TOKEN) + "y" * 20_000
    says(server, {"token": TOKEN, "said": said})
    assertions = [
        {"field": "body.said", "operator": "equals", "expectedValue": f"z{said}"},
        {"field": "body", "operator": "equals", "expectedValue": {"said": "z"}},
        {"field": "body.said", "operator": "gt", "expectedValue": 5},
    ]
    step = http(
        "a", f"{server.url}/say", assertions=assertions, extract={"t": {"path": "body.token", "secret": True}}
    )
    done = run_to_end(team, [step])
    assert step_of(done, "a").status == "FAILED"
    text = kept(done)
    assert encode(TOKEN)[:12] not in text
    assert "Cnry5f0e2d" not in text


@pytest.mark.parametrize("product", ["loki", "prometheus"])
def test_monitoring_answers_are_masked_before_they_are_cut(team: Team, server: Target, product: str) -> None:
    answer = ("x" * 450 + TOKEN + "y" * 500).encode()
    for path in ("/loki/api/v1/query_range", "/api/v1/query_range"):
        server.route(path, lambda exchange: exchange.reply(400, answer, [("Content-Type", "text/plain")]))
    config = {"url": server.url, "authToken": TOKEN}
    save_resource(team=team, user=None, name="watch", type=product, config=config)
    meta: dict[str, Any] = {"resourceId": "watch", "query": '{app="a"}'}
    meta |= {"duration1": {"relativeTime": "5m"}} if product == "prometheus" else {}
    done = run_to_end(team, [{"name": "a", "stepType": product, "meta": meta}])
    assert step_of(done, "a").error["code"] == "refused"
    assert "Cnry5f0e2d" not in kept(done)


def test_token_answers_are_masked_before_they_are_cut(team: Team, server: Target) -> None:
    error: Any = {"error": "invalid_client", "error_description": "x" * 150 + TOKEN}
    server.route("/token", lambda exchange: exchange.reply_json(error, 400))
    auth = {
        "type": "oauth2ClientCredentials",
        "tokenUrl": f"{server.url}/token",
        "clientId": "me",
        "clientSecret": TOKEN,
    }
    done = run_to_end(team, [http("a", f"{server.url}/ok", {"auth": auth})])
    assert step_of(done, "a").error["code"] == "token_refused"
    assert "Cnry5f0e2d" not in kept(done)


# --- children ---------------------------------------------------------------------------------------


@pytest.fixture
def login(team: Team, server: Target) -> Flow:
    """A flow that extracts a token and a short code as secrets."""
    says(server, {"token": SECRET, "pin": "4711"})
    extract = {name: {"path": f"body.{name}", "secret": True} for name in ("token", "pin")}
    document = check_document({"name": "Login", "steps": [http("get", f"{server.url}/say", extract=extract)]})
    return create_flow(team=team, user=None, document=document)


def test_a_child_s_secret_extract_is_masked_in_its_parent(team: Team, server: Target, login: Flow) -> None:
    url = f"{server.url}/echo"
    same = {"field": "variables.pin", "operator": "equals", "expectedValue": "0000"}
    steps = [
        {"name": "sub", "stepType": "flow", "meta": {"flowId": str(login.pk)}, "continueOnFailure": True,
         "assertions": [same], "extract": {"own": "variables.token", "code": "variables.pin"}},
        http("url", f"{url}?t=${{sub.variables.token}}&p=${{sub.variables.pin}}"),
        http("all", url, {"method": "POST", "body": "${sub.variables}"}),
        http("mine", url, {"method": "POST", "body": {"a": "${own}", "b": "${code}"}}),
        http("repeats", f"{server.url}/say"),
    ]  # fmt: skip
    done = run_to_end(team, steps)
    assert server.received[1].path == f"/echo?t={SECRET}&p=4711"
    assert step_of(done, "sub").response["variables"] == {"token": MASK, "pin": MASK}
    assert step_of(done, "sub").assertions[-1]["actualValue"] == MASK
    assert step_of(done, "url").request["url"] == f"{url}?t={MASK}&p={MASK}"
    assert step_of(done, "all").request["body"] == {"token": MASK, "pin": MASK}
    assert step_of(done, "mine").request["body"] == {"a": MASK, "b": MASK}
    assert step_of(done, "repeats").response["body"]["token"] == MASK
    assert SECRET not in kept(*family(done))


def test_secrets_of_descendants_and_loops_are_masked_in_all(team: Team, server: Target, login: Flow) -> None:
    call = {"name": "call", "stepType": "flow", "meta": {"flowId": str(login.pk)}}
    middle = create_flow(team=team, user=None, document=check_document({"name": "Middle", "steps": [call]}))
    always = {"left": 1, "operator": "equals", "right": 1}
    branch = {"branches": [{"condition": always, "flowId": str(middle.pk)}]}
    steps = [
        {"name": "branch", "stepType": "condition", "meta": branch},
        http("repeats", f"{server.url}/say"),
        {"name": "loop", "stepType": "flow", "meta": {"flowId": str(login.pk)}, "forEach": [1, 2]},
        http("last", f"{server.url}/echo", {"method": "POST", "body": "${loop.items}"}),
    ]
    done = run_to_end(team, steps)
    assert done.status == "COMPLETED"
    assert step_of(done, "repeats").response["body"]["token"] == MASK
    assert [each["variables"]["pin"] for each in step_of(done, "loop").response["items"]] == [MASK, MASK]
    text = kept(*family(done))
    assert SECRET not in text
    assert "4711" not in json.dumps(step_of(done, "last").request)


def test_a_short_secret_that_a_child_is_given_stays_one(team: Team, server: Target) -> None:
    child = {
        "name": "Child",
        "variables": [{"name": "pin"}],
        "steps": [http("use", f"{server.url}/ok?p=${{pin}}")],
    }
    flow = create_flow(team=team, user=None, document=check_document(child))
    declared = [{"name": "code", "secret": True, "defaultValue": "4711"}]
    call = {"flowId": str(flow.pk), "variables": {"pin": "${code}"}}
    done = run_to_end(team, [{"name": "sub", "stepType": "flow", "meta": call}], declared=declared)
    _, run = family(done)
    assert run.variables == [{"name": "pin", "type": "string", "value": MASK, "secret": True}]
    assert step_of(run, "use").request["url"] == f"{server.url}/ok?p={MASK}"


def test_a_child_s_secrets_are_known_to_concurrent_steps(team: Team, server: Target, login: Flow) -> None:
    steps = [
        {"name": "sub", "stepType": "flow", "meta": {"flowId": str(login.pk)}, "runInBackground": True},
        delay("before"),
        http("beside", f"{server.url}/say"),
    ]
    execution = begin(team, steps)
    engine.run_step(execution.pk, None, begin=True)
    engine.run_step(execution.pk, 0)
    drive(Execution.objects.get(parent=execution))
    done = drive(execution)
    assert step_of(done, "beside").response["body"]["token"] == MASK


# --- re-runs ----------------------------------------------------------------------------------------


def saved(team: Team, variables: list[Any], steps: list[Any]) -> Flow:
    document = check_document({"name": "Rerun", "variables": variables, "steps": steps}, known_names={"key"})
    return create_flow(team=team, user=None, document=document)


def started(team: Team, flow: Flow, environment: Environment | None = None) -> Execution:
    version = flow.versions.get(number=flow.version)
    return start_execution(team=team, user=None, source=Source.API, version=version, environment=environment)


def again(execution: Execution, user: User, version: str) -> Execution:
    return drive(rerun(execution=execution, user=user, source=Source.API, from_step="last", version=version))


def test_a_rerun_masks_secret_variables_that_were_removed(team: Team, alice: User, server: Target) -> None:
    steps = [
        http("first", f"{server.url}/echo", {"method": "POST", "body": "${key}"}),
        http("last", f"{server.url}/echo", {"method": "POST", "body": "${first.body}"}),
    ]
    flow = saved(team, [{"name": "key", "secret": True, "defaultValue": SECRET}], steps)
    execution = drive(started(team, flow))
    fixed = [http("first", f"{server.url}/echo"), steps[1]]
    save_version(flow=flow, user=None, document=check_document({"name": "Rerun", "steps": fixed}))
    new = again(execution, alice, "LATEST")
    assert SECRET in server.received[-1].body.decode()
    assert SECRET not in kept(execution, new)
    assert SECRET not in kept(again(new, alice, "LATEST")), "a re-run of a re-run"


@pytest.mark.parametrize("whole", [False, True])
def test_a_rerun_masks_secrets_of_a_deleted_environment(
    team: Team, alice: User, server: Target, whole: bool
) -> None:
    variables = [{"name": "key", "value": SECRET, "secret": True}]
    environment = save_environment(team=team, user=None, name="staging", variables=variables)
    steps = [
        http("first", f"{server.url}/echo", {"method": "POST", "body": "${key}"}),
        http("last", f"{server.url}/echo", {"method": "POST", "body": "${first.body}"}),
    ]
    execution = drive(started(team, saved(team, [], steps), environment))
    if whole:
        delete_environment(environment=environment)
    else:
        save_environment(environment=environment, team=team, user=None, variables=[])
    new = again(Execution.objects.get(pk=execution.pk), alice, "SAME")
    assert SECRET in server.received[-1].body.decode()
    assert SECRET not in kept(execution, new)


def test_results_are_masked_by_what_is_secret_in_the_new_run(team: Team, alice: User, server: Target) -> None:
    steps = [
        http(
            "first", f"{server.url}/echo", {"method": "POST", "body": "${key}"}, extract={"seen": "body.body"}
        ),
        http("last", f"{server.url}/echo", {"method": "POST", "body": "${first.body.body} ${seen}"}),
    ]
    flow = saved(team, [{"name": "key", "defaultValue": SECRET}], steps)
    execution = drive(started(team, flow))
    secret = [{"name": "key", "secret": True, "defaultValue": SECRET}]
    document = check_document({"name": "Rerun", "variables": secret, "steps": steps})
    save_version(flow=flow, user=None, document=document)
    new = again(execution, alice, "LATEST")
    assert server.received[-1].body.decode() == f"{SECRET} {SECRET}"
    assert SECRET not in kept(new)


# --- where the answer cannot be read ----------------------------------------------------------------


@pytest.mark.parametrize("secret", ["pässwörd-geheim", "пароль-секрет-123", "clé-€-секрет"])
def test_non_ascii_secrets_are_masked_in_every_encoding(team: Team, server: Target, secret: str) -> None:
    raw = secret.encode()

    def in_the_head(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 " + raw + b"\r\nX-Told: " + raw + b"\r\nContent-Length: 0\r\n\r\n")

    def in_no_http(exchange: Exchange) -> None:
        exchange.send(b"HTTX " + raw + b"\r\n\r\n")
        exchange.hang()

    def in_a_broken_length(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: " + raw + b"\r\n\r\n")
        exchange.hang()

    steps = []
    for name, handler in {"head": in_the_head, "none": in_no_http, "length": in_a_broken_length}.items():
        server.route(f"/{name}", handler)
        steps.append(http(name, f"{server.url}/{name}", timeoutMs=3_000))
    done = run_to_end(team, steps, declared=[{"name": "key", "secret": True, "defaultValue": secret}])
    text = kept(done)
    for codec in ("utf-8", "latin-1", "cp1252"):
        assert raw.decode(codec, "ignore") not in text
    assert secret.rsplit("-", maxsplit=1)[-1] not in text
    assert step_of(done, "head").response["headers"]["x-told"] == MASK
