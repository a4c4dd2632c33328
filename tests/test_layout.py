"""The layout stays easy to find one's way in: small files, few entries in a package, tests beside what they test."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("accounts", "asynctester", "executions", "flows", "lab", "resources", "steprunners", "telemetry")
MAX_LINES = 300
MAX_ENTRIES = 16
#: Django looks for these in an app by their names.
NAMED_BY_DJANGO = {"admin", "apps", "checks", "management", "migrations", "models", "templatetags", "urls"}

PACKAGES = sorted(
    path.parent
    for app in APPS
    for path in (ROOT / app).rglob("__init__.py")
    if "migrations" not in path.parts
)


def entries(package: Path) -> set[str]:
    """Return the names of the modules and packages at one level."""
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    return (modules | packages) - NAMED_BY_DJANGO


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_package_has_few_entries(package: Path) -> None:
    assert len(entries(package)) <= MAX_ENTRIES


def test_no_module_is_long() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for package in PACKAGES
        for path in package.glob("*.py")
    }
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_a_package_says_what_it_is_for() -> None:
    silent = [package for package in PACKAGES if not (package / "__init__.py").read_text().startswith('"""')]
    assert silent == []
