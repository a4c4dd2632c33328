"""deploy/kubernetes: parts that fit together. That each keeps to its schema: test_kubernetes_schemas.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from asynctester.embedded.commands import ROOT
from tests.deploy.files import load
from tests.deploy.test_compose import check_command

FOLDER = "deploy/kubernetes"
PARTS: list[dict[str, Any]] = [
    part
    for path in sorted((ROOT / FOLDER).glob("*.yaml"))
    if path.name != "kustomization.yaml"
    for part in yaml.safe_load_all(path.read_text())
]
POD_OWNERS = [part for part in PARTS if part["kind"] in ("Deployment", "Job")]
HOSTS = load(f"{FOLDER}/configmap.yaml")["data"]["ALLOWED_HOSTS"].split(",")


def name_of(part: dict[str, Any]) -> str:
    return f"{part['kind']} {part['metadata']['name']}"


def by_name(kind: str, name: str) -> dict[str, Any]:
    [found] = [part for part in PARTS if name_of(part) == f"{kind} {name}"]
    return found


def probes(container: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (container[name]["httpGet"] for name in container if name.endswith("Probe"))


def test_kustomization_takes_all_but_the_example_of_a_secret() -> None:
    files = {path.name for path in (ROOT / FOLDER).glob("*.yaml")}
    assert set(load(f"{FOLDER}/kustomization.yaml")["resources"]) == files - {
        "kustomization.yaml", "secret.example.yaml",
    }  # fmt: skip


@pytest.mark.parametrize("part", POD_OWNERS, ids=name_of)
def test_pods_run_our_commands_without_rights(part: dict[str, Any]) -> None:
    pod = part["spec"]["template"]["spec"]
    [container] = pod["containers"]
    check_command(container["command"])
    assert container["image"] in [each["name"] for each in load(f"{FOLDER}/kustomization.yaml")["images"]]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    for source in container["envFrom"]:
        by_name("ConfigMap", source["configMapRef"]["name"]) if "configMapRef" in source else by_name(
            "Secret", source["secretRef"]["name"]
        )


def test_everything_finds_its_pods() -> None:
    deployments = {part["metadata"]["name"]: part for part in POD_OWNERS if part["kind"] == "Deployment"}
    for name, part in deployments.items():
        assert part["spec"]["selector"]["matchLabels"] == part["spec"]["template"]["metadata"]["labels"]
        budget = by_name("PodDisruptionBudget", name)
        assert budget["spec"]["selector"] == part["spec"]["selector"]
    assert by_name("Service", "web")["spec"]["selector"] == {"app": "web"}
    assert by_name("HorizontalPodAutoscaler", "web")["spec"]["scaleTargetRef"]["name"] in deployments
    assert set(deployments) == {"web", "worker"}


def test_probes_and_ingress_ask_as_an_allowed_host() -> None:
    [container] = by_name("Deployment", "web")["spec"]["template"]["spec"]["containers"]
    asked = [header["value"] for probe in probes(container) for header in probe["httpHeaders"]]
    assert len(asked) == 3
    asked += [rule["host"] for rule in by_name("Ingress", "web")["spec"]["rules"]]
    assert set(asked) <= set(HOSTS)
