"""Every setting is in .env.example and in docs/deployment.md with its default, and nothing else is."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

from asynctester.embedded.commands import ROOT, manage
from tests.deploy.files import listed, load, read_by_the_code

READ = read_by_the_code()
LISTED = listed()
COMPOSE = (ROOT / "compose.yaml").read_text()
INTERPOLATED = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))


def test_env_example_lists_what_the_code_or_compose_reads_and_nothing_else() -> None:
    assert set(LISTED) == set(READ) | INTERPOLATED


def test_the_documentation_lists_every_setting() -> None:
    text = (ROOT / "docs" / "deployment.md").read_text()
    assert not [name for name in LISTED if f"`{name}`" not in text]


def test_defaults_are_told_as_they_are() -> None:
    shown = {name: value for name, (commented, value) in LISTED.items() if commented and value}
    wrong = {name: value for name, value in shown.items() if not is_default(value, READ.get(name))}
    assert not wrong


def is_default(shown: str, expression: ast.expr | None) -> bool:
    """Say whether the expression's value may be shown like this; one that is worked out from others may."""
    if expression is None:
        return True
    try:
        # Sources of our own; what they name besides is not here.
        default = eval(ast.unparse(expression), {"__builtins__": {}}, {"PRODUCTION": False})  # noqa: S307
    except NameError:
        return True
    if isinstance(default, list):
        return set(shown.split(",")) <= set(default)
    return shown == (str(default).lower() if isinstance(default, bool) else str(default))


def test_the_example_can_be_started_with(tmp_path: Path) -> None:
    """All lines at once, also those that are commented out: each value is one that the settings can read."""
    values = {name: value for name, (_, value) in LISTED.items() if value}
    done = subprocess.run(
        manage("check"),
        env={
            **values,
            "DATA_DIR": "/nonexistent" if values.get("DATA_DIR") is None else ".data/check",
            "PATH": "",
        },
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()


def test_containers_are_given_settings_that_there_are() -> None:
    services = load("compose.yaml")["services"]
    ours = [each for each in services.values() if each["image"] == "async-testing-service"]
    given = {name for service in ours for name in service.get("environment", {})}
    given |= set(load("deploy/kubernetes/configmap.yaml")["data"])
    given |= set(load("deploy/kubernetes/secret.example.yaml")["stringData"])
    assert given
    assert given <= set(READ)
