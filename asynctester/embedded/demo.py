"""Runs the demo flow over the product's own API and prints its steps as they happen."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from asynctester.embedded.loopback import Api, Json

TERMINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
MARKS = {
    "SUCCESS": ("✓", "ok"),
    "FAILED": ("✗", "FAILED"),
    "ERROR": ("✗", "ERROR"),
    "SKIPPED": ("-", "skipped"),
    "CANCELLED": ("-", "cancelled"),
    "WAITING": ("…", "waits"),
    "IN_PROGRESS": ("▸", "runs"),
}
POLL_SECONDS = 0.2
GIVE_UP_SECONDS = 120


def sign_in(url: str, *, email: str, password: str) -> Api:
    """Sign in over REST; return the API of that user."""
    answer = Api(url).post("/api/v1/auth/login", {"email": email, "password": password})
    return Api(url, answer["access"])


def run_and_show(api: Api, *, flow_id: str, environment_id: str | None, say: Callable[[str], None]) -> str:
    """Run the flow, print each step as it moves, return the execution's last status."""
    body = {"environmentId": environment_id} if environment_id else {}
    execution = api.post(f"/api/v1/flows/{flow_id}/run", body)
    say(f"Running the demo flow “{execution['flowName']}”: {api.url}/executions/{execution['id']}")
    progress = Progress(say)
    for state in _states(api, execution["id"]):
        progress.show(state)
    return progress.finish()


class Progress:
    """What has been printed of an execution so far."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._shown: dict[str, set[tuple[str, int]]] = {}
        self._execution: Json = {}

    def show(self, execution: Json) -> None:
        """Print the steps that moved; `execution` may lack its other steps, or have none."""
        for step in execution.get("steps") or []:
            # A new attempt is told by its outcome; that it runs again is no news.
            state = (step["status"], 0 if step["status"] == "IN_PROGRESS" else step["attempts"])
            if step["status"] != "PENDING" and state not in self._shown.setdefault(step["id"], set()):
                self._shown[step["id"]].add(state)
                self._say(step_line(step))
        self._execution = {**self._execution, **execution}

    def finish(self) -> str:
        """Print the outcome; return the status."""
        status: str = self._execution["status"]
        duration = self._execution.get("durationMs")
        mark = "✓" if status == "COMPLETED" else "✗"
        self._say(f"{mark} {status}" + (f" after {duration / 1000:.1f} s" if duration is not None else ""))
        return status


def step_line(step: Json) -> str:
    """Return the line that tells a step's state."""
    mark, word = MARKS.get(step["status"], ("?", step["status"]))
    words = [f"  {mark} {step['name']:<18} {step['stepType']:<15} {word:<9}"]
    if step["status"] in ("SUCCESS", "FAILED", "ERROR"):
        words.append(f"{step['durationMs'] or 0:>6} ms")
    if step["status"] == "WAITING" and step["attempts"]:
        words.append(f"after attempt {step['attempts']}")
    elif step["attempts"] > 1:
        words.append(f"on attempt {step['attempts']}")
    if step["background"]:
        words.append("in the background")
    if step.get("error"):
        words.append(str(step["error"].get("message", ""))[:200])
    return "  ".join(words).rstrip()


def _states(api: Api, execution_id: str) -> Iterator[Json]:
    """Yield states over the WebSocket; where that breaks off, over REST."""
    try:
        yield from _streamed(api, execution_id)
        return
    except (OSError, WebSocketException, TimeoutError) as problem:
        sys.stderr.write(f"  (no live updates: {problem}; polling instead)\n")
    yield from _polled(api, execution_id)


def _streamed(api: Api, execution_id: str) -> Iterator[Json]:
    address = f"{api.url.replace('http', 'ws', 1)}/api/v1/executions/{execution_id}/stream"
    # A proxy between this machine and itself would only be in the way.
    with connect(address, subprotocols=["bearer", api.token], proxy=None, max_size=None) as socket:  # type: ignore[list-item] # a JWT is a token of RFC 7230 as a subprotocol's name has to be
        while True:
            state = _state(json.loads(socket.recv(timeout=GIVE_UP_SECONDS)))
            yield state
            if state["status"] in TERMINAL:
                return


def _state(message: Json) -> Json:
    """Return what a live message says as an execution, whole or in part."""
    if message["updateType"] in ("SNAPSHOT", "EXECUTION_UPDATE"):
        execution: Json = message["execution"]
        return execution
    state: Json = {"status": message["executionStatus"]}
    if message.get("stepUpdate"):
        state["steps"] = [message["stepUpdate"]]
    return state


def _polled(api: Api, execution_id: str) -> Iterator[Json]:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline:
        execution = api.get(f"/api/v1/executions/{execution_id}")
        yield execution
        if execution["status"] in TERMINAL:
            return
        time.sleep(POLL_SECONDS)
