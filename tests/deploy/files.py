"""What the files say: the settings that the code reads, and those that .env.example lists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from asynctester.embedded.commands import ROOT

#: Read by Python, by django-environ or by test tools, and no business of an installation.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PATH", "XDG_CACHE_HOME"}
LINE = re.compile(r"(#?)([A-Z][A-Z0-9_]*)=(.*)")


def load(path: str) -> dict[str, Any]:
    """Return the one YAML document of a file."""
    parsed: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return parsed


def read_by_the_code() -> dict[str, ast.expr | None]:
    """Return the environment variables that the product reads, with the expression of their default."""
    found: dict[str, ast.expr | None] = {}
    settings = sorted((ROOT / "asynctester" / "settings").glob("*.py"))
    for path in (
        *settings,
        *sorted((ROOT / "asynctester").rglob("*.py")),
    ):  # the default of the settings wins
        for name, default in _reads(ast.parse(path.read_text())):
            if name not in NOT_OURS:
                found[name] = found.get(name) or default
    return found


def _reads(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_environment(node.func) and node.args:
            name = node.args[ast.unparse(node.func) == "yes_or_no"]  # whose first argument is `env`
            default = next((each.value for each in node.keywords if each.arg == "default"), None)
            if isinstance(name, ast.Constant) and re.fullmatch("[A-Z][A-Z0-9_]+", str(name.value)):
                yield str(name.value), default


def _is_environment(function: ast.expr) -> bool:
    """Say whether it is `env(…)`, `env.int(…)`, `yes_or_no(…)`, `os.environ.get(…)` or `environment.get(…)`."""
    names = r"env(\.\w+)?|yes_or_no|(os\.)?environ\.get|environment\.get"
    return re.fullmatch(names, ast.unparse(function)) is not None


def listed() -> dict[str, tuple[bool, str]]:
    """Return the variables of .env.example: whether they are commented out, and their value."""
    lines = (LINE.fullmatch(line) for line in Path(ROOT / ".env.example").read_text().splitlines())
    return {match[2]: (match[1] == "#", match[3]) for match in lines if match}
