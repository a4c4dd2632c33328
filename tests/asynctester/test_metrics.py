"""`/metrics`: who may read it, and that it tells what all processes of a machine did."""

from __future__ import annotations

import pytest
import requests
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from asynctester import metrics
from asynctester.embedded.processes import wait_until
from executions.observability import gauges
from tests.servers.stack import LiveStack

pytestmark = pytest.mark.django_db


def test_this_machine_may_read_them(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "PATIENCE", 60.0)
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert b"\nasynctester_database_up 1.0\n" in answer.content
    assert b"\nasynctester_waiting_steps 0.0\n" in answer.content


@pytest.mark.parametrize("version", ["abc", "", "1.0.0", "9" * 50])
def test_any_accept_header_will_do(client: Client, version: str) -> None:
    accept = f"application/openmetrics-text; version={version}"
    assert client.get("/metrics", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("how", [{"REMOTE_ADDR": "10.1.2.3"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}])
def test_others_may_not(client: Client, how: dict[str, str]) -> None:
    answer = client.get("/metrics", **how)  # type: ignore[arg-type]  # the rest goes into the environment
    assert answer.status_code == 403
    assert b"asynctester_" not in answer.content


def test_the_token_decides_where_there_is_one(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-token"
    refused = client.get("/metrics")
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, "Bearer")
    assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 401
    answer = client.get(
        "/metrics", headers={"Authorization": "Bearer a-token", "X-Forwarded-For": "8.8.8.8"},
        REMOTE_ADDR="10.1.2.3",
    )  # fmt: skip
    assert answer.status_code == 200


def test_only_reading(client: Client) -> None:
    assert client.post("/metrics").status_code == 405
    assert client.head("/metrics").status_code == 200


def test_what_cannot_be_read_is_a_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("Read beyond file size detected, file is corrupted.")

    monkeypatch.setattr(metrics, "render", broken)
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content) == (503, b"The metrics cannot be read.\n")


def test_a_run_is_counted_by_web_server_and_worker_together(live_stack: LiveStack) -> None:
    session = live_stack.session()
    before = shown(live_stack)
    step = {"name": "pause", "stepType": "delay", "meta": {"delayMs": 1}}
    session.post("flows/run", {"flow": {"name": "Counted", "steps": [step]}})

    def grown(name: str, **labels: str) -> float:
        at = (name, tuple(sorted(labels.items())))
        return shown(live_stack).get(at, 0.0) - before.get(at, 0.0)

    assert wait_until(
        lambda: grown("asynctester_executions_ended_total", status="COMPLETED", source="API") >= 1, within=60
    )
    assert grown("asynctester_executions_started_total", source="API") >= 1
    assert grown("asynctester_steps_ended_total", step_type="delay", status="SUCCESS") >= 1
    assert grown("asynctester_queue_delay_seconds_count") >= 1
    assert (
        grown("asynctester_http_requests_total", method="POST", route="api/v1/flows/run", status="201") >= 1
    )
    kinds = {labels for name, labels in shown(live_stack) if name == "asynctester_processes"}
    assert kinds == {(("kind", "web"),), (("kind", "worker"),)}


def shown(stack: LiveStack) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return what the web server shows: values by name and labels."""
    text = requests.get(f"{stack.url}/metrics", timeout=30).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
