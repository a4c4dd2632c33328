"""deploy/kubernetes keeps to the schemas of the Kubernetes API, in which every unknown field is an error.

The schemas come with `kubernetes-validate`. kustomization.yaml is not part of the API: test_kubernetes.py reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import kubernetes_validate
import pytest

from tests.deploy.test_kubernetes import PARTS, by_name, name_of

#: The oldest release that the manifests are for, and the newest whose schemas there are.
VERSIONS = ("1.33", ".".join(kubernetes_validate.latest_version().split(".")[:2]))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("part", PARTS, ids=name_of)
def test_a_manifest_keeps_to_its_schema(part: dict[str, Any], version: str) -> None:
    # For a version that it does not know, the package takes an older one and says which.
    assert kubernetes_validate.validate(part, version, strict=True) == version


def _container(part: dict[str, Any]) -> dict[str, Any]:
    [container] = part["spec"]["template"]["spec"]["containers"]
    return dict(container)


def _put(part: dict[str, Any], **fields: Any) -> None:
    part["spec"]["template"]["spec"]["containers"] = [_container(part) | fields]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        pytest.param(lambda part: part.update(replicas=2), [], id="a field of another level"),
        pytest.param(lambda part: part["spec"].pop("selector"), ["spec"], id="a required field is missing"),
        pytest.param(
            lambda part: _put(part, readinesProbe={}),
            ["spec", "template", "spec", "containers", 0],
            id="a misspelt field",
        ),
        pytest.param(
            lambda part: _put(part, livenessProbe={"periodSeconds": "10"}),
            ["spec", "template", "spec", "containers", 0, "livenessProbe", "periodSeconds"],
            id="text for a number",
        ),
    ],
)
def test_a_mistake_is_refused(spoil: Callable[[dict[str, Any]], object], where: list[str | int]) -> None:
    part = deepcopy(by_name("Deployment", "web"))
    spoil(part)
    with pytest.raises(kubernetes_validate.ValidationError) as refused:
        kubernetes_validate.validate(part, VERSIONS[-1], strict=True)
    assert list(refused.value.path) == where
