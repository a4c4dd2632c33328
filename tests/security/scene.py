"""Flows carried on inside the test, and everything that is kept and told of them, as text to look through."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import Team, User
from executions.models import Execution, StepAttempt
from executions.starting.rerun import rerun
from executions.starting.start import start_execution
from executions.states import EXECUTION_TERMINAL, Source
from flows.documents.document import FlowDocument
from flows.models import Flow
from flows.selectors import check_for_team
from flows.services import create_flow
from resources.models import Environment, Resource
from resources.services import save_environment, save_resource
from tests.cast import ApiFor, PageFor
from tests.executions.driving import begin, drive
from tests.security.echo import Echo
from tests.security.secrets import Canary
from tests.security.sweep import found

_PATIENCE_SECONDS = 30

Steps = Sequence[dict[str, Any]]


@dataclass
class Scene:
    """A team, an editor and a tested system; runs are carried on in the test's own transaction."""

    team: Team
    user: User
    echo: Echo
    client: APIClient
    browser: Client
    #: What a test heard by itself, to be looked through too.
    said: list[bytes] = field(default_factory=list)

    def run(self, steps: Steps, *, declared: Steps = (), **options: Any) -> Execution:
        """Run a draft to its end."""
        return self._to_its_end(begin(self.team, steps, declared=declared, user=self.user, **options))

    def run_flow(self, flow: Flow, **options: Any) -> Execution:
        """Run the flow's newest version to its end."""
        version = flow.versions.get(number=flow.version)
        started = start_execution(
            team=self.team, user=self.user, source=Source.API, version=version, **options
        )
        return self._to_its_end(started)

    def again(self, execution: Execution, **options: Any) -> Execution:
        """Run it again, to its end."""
        execution = Execution.objects.get(pk=execution.pk)  # what is cached may have been deleted
        return self._to_its_end(rerun(execution=execution, user=self.user, source=Source.API, **options))

    def _to_its_end(self, execution: Execution) -> Execution:
        """Carry on the run and those that it starts, in turns, until it has ended."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            for each in self.team.executions.exclude(status__in=EXECUTION_TERMINAL).order_by("-created_at"):
                drive(each)
            execution = Execution.objects.get(pk=execution.pk)
            if execution.status in EXECUTION_TERMINAL:
                return execution
            time.sleep(0.02)  # a step waits: for a message, or to try again
        raise AssertionError(whole_run(execution))

    def flow(self, steps: Steps, *, declared: Steps = (), name: str = "Called") -> Flow:
        """Save a flow."""
        return create_flow(team=self.team, user=self.user, document=self.document(steps, declared, name))

    def document(self, steps: Steps, declared: Steps = (), name: str = "Called") -> FlowDocument:
        """Return the checked document of a flow."""
        raw = {"name": name, "steps": list(steps), "variables": list(declared)}
        return check_for_team(self.team, raw)

    def resource(self, name: str, kind: str, **config: Any) -> Resource:
        """Save a resource."""
        return save_resource(team=self.team, user=self.user, name=name, type=kind, config=config)

    def environment(self, name: str, **secrets: Any) -> Environment:
        """Save an environment of secret values."""
        variables = [{"name": key, "value": value, "secret": True} for key, value in secrets.items()]
        return save_environment(team=self.team, user=self.user, name=name, variables=variables)

    def nothing_leaks(self, *canaries: Canary) -> None:
        """None of them is seen in all that is stored of all runs so far, and in what is told of each."""
        leaks = found(canaries, self.places())
        assert not leaks, "\n".join(leaks)

    def nothing_leaks_at_any_door(self, *canaries: Canary) -> None:
        """The same, and every other answer and page that can tell of a run: it takes its time."""
        leaks = found(canaries, {**self.places(), **self._doors()})
        assert not leaks, "\n".join(leaks)

    def places(self) -> dict[str, bytes]:
        """Return the database, and what REST and JUnit tell of each run."""
        places = {f"table {name}": text for name, text in tables().items()}
        places |= {f"answer {number}": text for number, text in enumerate(self.said)}
        for number, run in enumerate(self._runs()):
            places[f"run {number}"] = self._rest(f"executions/{run.pk}")
            places[f"run {number}, JUnit"] = self._rest(f"executions/{run.pk}/junit.xml")
        return places

    def _doors(self) -> dict[str, bytes]:
        runs, places = self._runs(), {}
        for number, run in enumerate(runs):
            places[f"run {number}, its page"] = self._page(f"/executions/{run.pk}")
            for path in (*_steps(run), *_comparisons(run, runs)):
                places[f"run {number}, {path}"] = self._rest(path)
        return places | {path: self._rest(path) for path in ("executions", "flows", "resources", "audit-log")}

    def _runs(self) -> list[Execution]:
        return list(Execution.objects.order_by("created_at"))

    def _rest(self, path: str) -> bytes:
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, (path, answer.content)
        return bytes(answer.content)

    def _page(self, path: str) -> bytes:
        answer = self.browser.get(path)
        assert answer.status_code == 200, path
        return answer.content


def make_scene(team: Team, user: User, echo: Echo, api: ApiFor, page: PageFor) -> Scene:
    """Return a scene with both clients of the user."""
    return Scene(team, user, echo, api(user), page(user))


def _steps(run: Execution) -> Iterable[str]:
    return [f"executions/{run.pk}/steps/{pk}" for pk in run.steps.values_list("pk", flat=True)]


def _comparisons(run: Execution, runs: list[Execution]) -> Iterable[str]:
    return [f"executions/{run.pk}/compare/{each.pk}" for each in runs[:2] if each.pk != run.pk]


def tables() -> dict[str, bytes]:
    """Return every row of every table as text."""
    names = connection.introspection.table_names()
    texts = {name: "\n".join(_rows(name)) for name in names}
    return {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items() if text}


def _rows(table: str) -> list[str]:
    whole = "*" if connection.vendor == "sqlite" else "t::text"
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {whole} FROM "{table}" t')  # noqa: S608 - the database's own names
        return [" | ".join(map(str, row)) for row in cursor.fetchall()]


# --- parts of flows -------------------------------------------------------------------------------


def http(name: str, url: str, meta: dict[str, Any] | None = None, **envelope: Any) -> dict[str, Any]:
    """Return an HTTP step after whose failure the flow goes on."""
    whole = {"url": url, **(meta or {})}
    return {"name": name, "stepType": "http", "meta": whole, "continueOnFailure": True, **envelope}


def post(name: str, url: str, body: Any, **envelope: Any) -> dict[str, Any]:
    """Return an HTTP step that sends a body."""
    return http(name, url, {"method": "POST", "body": body}, **envelope)


def declared(*canaries: Canary) -> list[dict[str, Any]]:
    """Return the declarations of secret variables, one a canary, whose defaults they are."""
    return [
        {"name": each.name, "type": _type_of(each), "secret": True, "defaultValue": each.value}
        for each in canaries
    ]


def _type_of(canary: Canary) -> str:
    kinds = {str: "string", int: "integer"}
    return kinds.get(type(canary.value), "json")


def whole_run(execution: Execution) -> str:
    """Return all that is stored of the steps of a run, as JSON, to look something up in it."""
    steps = list(execution.steps.values("name", "status", "request", "response", "assertions", "error"))
    attempts = StepAttempt.objects.filter(step__execution=execution).values("request", "response", "error")
    return json.dumps([steps, list(attempts)], default=str, ensure_ascii=False)
