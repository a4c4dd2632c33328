"""The dashboard and the alerts ask for metrics that there are, in a language that Prometheus understands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from asynctester.embedded.commands import ROOT
from executions.observability.gauges import Load, _families
from tests.deploy.files import load
from tests.servers.fixtures import missing
from tests.servers.server import Unavailable

DASHBOARD = json.loads((ROOT / "deploy/grafana/async-testing-service.json").read_text())
ALERTS = load("deploy/prometheus/alerts.yaml")["groups"]
RULES = [rule for group in ALERTS for rule in group["rules"]]
DOCUMENTATION = (ROOT / "docs" / "observability.md").read_text()


@pytest.fixture
def promtool(pytestconfig: pytest.Config) -> str:
    """The checker that comes with Prometheus."""
    found = shutil.which("promtool")
    if found is None:
        missing(pytestconfig, Unavailable("no promtool on this machine (Debian: apt-get install prometheus)"))
    return found


def expressions() -> list[str]:
    """Return what the dashboard's panels ask."""
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def series() -> dict[str, set[str]]:
    """Return every time series that the service shows, with its labels."""
    families = [*REGISTRY.collect(), *_families(Load({}, 0, 0, None))]
    known = {"asynctester_database_up": set[str]()}
    labels = {name: set(metric._labelnames) for metric, names in REGISTRY._collector_to_names.items() for name in names
              if hasattr(metric, "_labelnames")}  # fmt: skip
    for family in families:
        own = labels.get(family.name, {name for sample in family.samples for name in sample.labels})
        if family.type == "histogram":
            known[f"{family.name}_bucket"] = own | {"le"}
            known |= {f"{family.name}_{part}": own for part in ("sum", "count")}
        else:
            known[family.name + ("_total" if family.type == "counter" else "")] = own
    return {name: own for name, own in known.items() if name.startswith("asynctester_")}


def asked(texts: Iterable[str]) -> Iterator[tuple[str, set[str]]]:
    """Yield the series that the expressions name, with the labels that they select by."""
    for text in texts:
        for name, selector in re.findall(r"(asynctester_\w+)(?:\{([^}]*)\})?", text):
            yield name, set(re.findall(r"(\w+)\s*[=!]", selector))


def test_everything_asked_for_is_shown() -> None:
    known = series()
    found = list(asked([*expressions(), *(rule["expr"] for rule in RULES)]))
    assert len(found) > 30
    assert {name for name, _ in found} <= set(known)
    assert [(name, labels) for name, labels in found if not labels <= known[name]] == []


def test_everything_shown_is_on_the_dashboard_and_documented() -> None:
    known = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series()}
    on_dashboard = {re.sub(r"_bucket$", "", name) for name, _ in asked(expressions())}
    assert known == on_dashboard
    assert [name for name in sorted(known) if f"`{name}`" not in DOCUMENTATION] == []
    assert [rule["alert"] for rule in RULES if rule["alert"] not in DOCUMENTATION] == []


def test_no_label_names_a_tenant() -> None:
    labels = set().union(*series().values())
    assert labels == {"source", "status", "step_type", "action", "message", "kind", "method", "route", "le"}


def test_panels_have_ids_places_and_descriptions() -> None:
    panels: list[dict[str, Any]] = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert all(panel["description"] for panel in panels if panel["type"] != "row")


def test_prometheus_understands_the_dashboard(promtool: str, tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(expressions())
    ]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    check(promtool, "check", "rules", str(file))


def test_alerts_fire_when_they_should(promtool: str) -> None:
    check(promtool, "check", "rules", str(ROOT / "deploy/prometheus/alerts.yaml"))
    check(promtool, "test", "rules", str(ROOT / "deploy/prometheus/alerts_test.yaml"))


def test_prometheus_of_compose_can_read_its_configuration(promtool: str, tmp_path: Path) -> None:
    for path in ("deploy/compose/prometheus.yml", "deploy/prometheus/alerts.yaml"):
        shutil.copy(ROOT / path, tmp_path)
    check(promtool, "check", "config", str(tmp_path / "prometheus.yml"))


def test_pods_are_scraped_where_they_listen() -> None:
    address = load("deploy/kubernetes/configmap.yaml")["data"]["METRICS_ADDRESS"]
    for name in ("web", "worker"):
        [part] = [
            each
            for each in yaml.safe_load_all((ROOT / f"deploy/kubernetes/{name}.yaml").read_text())
            if each["kind"] == "Deployment"
        ]
        template = part["spec"]["template"]
        port = template["metadata"]["annotations"]["prometheus.io/port"]
        assert address.endswith(f":{port}")
        assert int(port) in [each["containerPort"] for each in template["spec"]["containers"][0]["ports"]]


def check(*command: str) -> None:
    """Run the command; fail with what it says."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
