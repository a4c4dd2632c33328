"""What an attack on one organisation's behalf costs another: `python -m benchmarks.stalls [--seconds 30] [names]`.

A viewer of one organisation sends documents that are as costly to check as they can be, six at a time, again and
again; meanwhile somebody of another organisation reads a list and asks `/healthz`, one request at a time. Then the
same with steps whose results are costly to judge, beside another organisation's runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests

from benchmarks.servers import Servers, servers
from tests.servers.stack import LiveStack, server_environment

PASSWORD = "correct horse battery staple"  # noqa: S105  # of this benchmark's own users
SENDERS = 6
RUNS = 16
_CAST = f"""
from accounts.models import *
for name in ("attacker", "other"):
    organisation = Organisation.objects.create(name=name)
    team = Team.objects.create(organisation=organisation, name=name)
    user = User.objects.create_user(name + "@example.com", {PASSWORD!r})
    OrganisationMembership.objects.create(organisation=organisation, user=user)
    role = "EDITOR"
    TeamMembership.objects.create(team=team, user=user, role=role)
"""


def _expression(number: int) -> str:
    return rf"(a|b){{1,{1 + number % 9}}}[x-z]{{3}}\p{{L}}{{1,{500 - number % 400}}}"


def _assertions(operator: str, values: list[Any], field: str = "body") -> dict[str, Any]:
    found = [{"field": field, "operator": operator, "expectedValue": value} for value in values]
    step = {"name": "s", "stepType": "delay", "meta": {"delayMs": 0}, "assertions": found}
    return {"name": "attack", "steps": [step]}


def _many_steps() -> dict[str, Any]:
    steps = [
        {"name": f"s{number}", "stepType": "http", "meta": {"method": "GET", "url": "http://a/${nobody}"}}
        for number in range(2_000)
    ]
    return {"name": "attack", "steps": steps}


def _schema() -> dict[str, Any]:
    tower: dict[str, Any] = {"type": "string"}
    for _ in range(40):
        tower = {"allOf": [tower, {"properties": {f"p{i}": {"pattern": f"^a{i}"} for i in range(40)}}]}
    return tower


#: Bodies that `flows/validate` is sent, by name.
BODIES: dict[str, Callable[[], bytes]] = {
    "600 expressions": lambda: json.dumps(
        _assertions("matches", [_expression(number) for number in range(600)])
    ).encode(),
    "expressions that fit": lambda: json.dumps(
        _assertions("matches", [rf"[\pL\pN]{{1,20}}{number}" for number in range(900)])
    ).encode(),
    "1 000 JSONPaths": lambda: json.dumps(
        {
            "name": "attack",
            "steps": [
                {
                    **_assertions("exists", [])["steps"][0],
                    "assertions": [
                        {"field": f"$..a{number}" + "[?@.a == 'x' && @.b > 3]" * 35, "operator": "exists"}
                        for number in range(1_000)
                    ],
                }
            ],
        }
    ).encode(),
    "JSON Schemas": lambda: json.dumps(_assertions("matchesSchema", [_schema()] * 20)).encode(),
    "2 000 steps with a mistake": lambda: json.dumps(_many_steps()).encode(),
    "300 000 values": lambda: json.dumps({"name": "attack", "steps": [[1] * 290_000]}).encode(),
    "a million values": lambda: json.dumps({"name": "attack", "steps": [[1] * 1_200_000]}).encode(),
}


class Person:
    """Somebody who is signed in."""

    def __init__(self, stack: LiveStack, name: str) -> None:
        self.url = stack.url
        self.headers = {"Authorization": f"Bearer {stack.access_token(name + '@example.com', PASSWORD)}"}
        self.session = requests.Session()
        self.session.headers.update(self.headers)
        self.team = self.get("teams").json()["results"][0]["id"]

    def get(self, path: str) -> requests.Response:
        """GET; return the answer."""
        return self.session.get(f"{self.url}/api/v1/{path}", timeout=120)

    def post(self, path: str, body: Any) -> Any:
        """POST JSON; return the parsed answer, raise for 4xx and 5xx."""
        answer = self.session.post(f"{self.url}/api/v1/{path}", json=body, timeout=120)
        answer.raise_for_status()
        return answer.json()


def measure(person: Person, seconds: float) -> str:
    """Return what the other's requests took, one after the other for so long."""
    took: dict[str, list[float]] = {"list": [], "healthz": []}
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name, url in (("list", "/api/v1/flows"), ("healthz", "/healthz")):
            begin = time.monotonic()
            person.session.get(person.url + url, timeout=120).raise_for_status()
            took[name].append(time.monotonic() - begin)
        time.sleep(0.02)
    return "; ".join(f"{name} {_shown(each)}" for name, each in took.items())


def _shown(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    return f"median {statistics.median(ordered) * 1000:.0f} ms, p95 {p95 * 1000:.0f}, max {ordered[-1] * 1000:.0f}"


@contextmanager
def attack(person: Person, body: bytes) -> Iterator[Counter[str]]:
    """Send the body from SENDERS threads, again and again, during the block; yields the answers' counts."""
    over = threading.Event()
    answers: Counter[str] = Counter()

    def send() -> None:
        headers = {**person.headers, "Content-Type": "application/json"}
        with requests.Session() as session:
            while not over.is_set():
                try:
                    answer = session.post(
                        f"{person.url}/api/v1/flows/validate", data=body, headers=headers, timeout=300
                    )
                    answers[str(answer.status_code)] += 1
                except requests.RequestException as error:
                    answers[type(error).__name__] += 1

    threads = [threading.Thread(target=send, daemon=True) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    try:
        yield answers
    finally:
        over.set()


def web(stack: LiveStack, names: list[str], seconds: float) -> None:
    """Print what the other's requests take, before and during each attack."""
    attacker, other = Person(stack, "attacker"), Person(stack, "other")
    print(f"alone: {measure(other, min(seconds, 10))}", flush=True)
    with attack(attacker, b"{}") as answers:
        print(
            f"beside as many who send nothing costly: {measure(other, min(seconds, 10))}; {dict(answers)}",
            flush=True,
        )
    for name, body in BODIES.items():
        if names and not any(each in name for each in names):
            continue
        time.sleep(1)
        with attack(attacker, body()) as answers:
            print(
                f"{name} ({len(body()) // 1000} kB): {measure(other, seconds)}; answers {dict(answers)}",
                flush=True,
            )
        stack.stop_web()  # what is under way goes with it
        stack.start_web()


# --- steps ----------------------------------------------------------------------------------------


def steps(stack: LiveStack) -> None:
    """Print how long another's run and a cancel take beside runs that are costly to judge."""
    attacker, other = Person(stack, "attacker"), Person(stack, "other")
    quick = {"name": "quick", "steps": [{"name": "s", "stepType": "delay", "meta": {"delayMs": 0}}]}
    costly = _assertions("matches", [f"${{p{number}}}" for number in range(400)], field="durationMs")
    # Filled in by references, so that saving does not compile them; the result's text is tried by each.
    costly["variables"] = [
        {"name": f"p{number}", "type": "STRING", "defaultValue": _expression(number)} for number in range(400)
    ]
    print(f"a quick run alone: {_run_seconds(other, quick):.2f} s", flush=True)
    started = [_start(attacker, costly) for _ in range(RUNS)]
    time.sleep(0.5)
    took = [_run_seconds(other, quick) for _ in range(5)]
    begin = time.monotonic()
    attacker.post(f"executions/{started[-1]}/cancel", {})
    _ended(attacker, started[-1])
    print(f"beside {RUNS} costly runs: {', '.join(f'{each:.2f}' for each in took)} s; "
          f"a cancel {time.monotonic() - begin:.2f} s", flush=True)  # fmt: skip
    for each in started:
        _ended(attacker, each)
    last = attacker.get(f"executions/{started[0]}").json()
    print(f"all costly runs ended after {time.monotonic() - begin:.1f} s more: {last['status']}", flush=True)


def _start(person: Person, flow: dict[str, Any]) -> str:
    found: str = person.post("flows/run", {"teamId": person.team, "flow": flow})["id"]
    return found


def _run_seconds(person: Person, flow: dict[str, Any]) -> float:
    begin = time.monotonic()
    _ended(person, _start(person, flow))
    return time.monotonic() - begin


def _ended(person: Person, execution: str) -> None:
    while person.get(f"executions/{execution}").json()["completedAt"] is None:
        time.sleep(0.05)


def _stack(running: Servers) -> LiveStack:
    folder = running.folder / "stack"
    folder.mkdir()
    environment = server_environment(
        DATA_DIR=str(folder), DATABASE_URL=running.new_database("stalls"), REDIS_URL=f"{running.valkey_url}/1",
        PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics"),
    )  # fmt: skip
    return LiveStack(folder, environment)


def main() -> None:
    """Start an installation and attack it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the attacks' names; all where none is given")
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with servers() as running:
        stack = _stack(running)
        try:
            stack.start()
            stack.manage("shell", "-c", _CAST)
            web(stack, options.names, options.seconds)
            if not options.names or "steps" in options.names:
                steps(stack)
        finally:
            stack.stop()


if __name__ == "__main__":
    main()
