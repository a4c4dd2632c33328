"""Runs the start and the step runners' tests on the oldest and the newest Python of this machine that we support.

    tools/pythons.py                    the oldest and the newest; the one that .venv has is left to `make test`
    tools/pythons.py all                every one
    tools/pythons.py 3.12 3.14          these
    tools/pythons.py -- -x              what follows `--` goes to pytest

Pythons come from PATH, pyenv and uv. pyproject.toml's classifiers say which versions we support. Each gets a virtual
environment below .venv-pythons. The start is `make run` to the COMPLETED of its demo flow, which uses Kafka: tests that
start an Apache Kafka of their own are left out, for they take most of the time.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-pythons"
REQUIREMENTS = "requirements-dev.txt"
START = "tests/asynctester/embedded/test_run.py::test_it_runs_the_demo_and_ends_with_nothing_left_and_goes_on_later"
TESTS = ["-q", "-n", "3", "--dist", "loadfile", "--no-loadscope-reorder", "-k", "not kafka"]
INSTALLED = (
    (os.environ.get("PYENV_ROOT", "~/.pyenv"), "versions/3.*/bin/python3"),
    (os.environ.get("UV_PYTHON_INSTALL_DIR", "~/.local/share/uv/python"), "cpython-3.*/bin/python3"),
)

#: A minor version: (3, 11).
Version = tuple[int, int]


def main(arguments: list[str]) -> int:
    """Run the tests on each chosen Python; return 1 where one of them fails, or a named one is missing."""
    names, options = _split(arguments)
    found = _find(_supported())
    print("Pythons here:", ", ".join(f"{_text(version)} ({path})" for version, path in sorted(found.items())))
    chosen = _choose(names, found)
    if missing := [_text(version) for version in chosen if version not in found]:
        print(f"Not on this machine: {', '.join(missing)}")
        return 1
    failed = [_text(version) for version in chosen if not _passes(version, found[version], options)]
    print(f"Failed on Python {', '.join(failed)}" if failed else f"Done: {len(chosen)} more Pythons")
    return 1 if failed else 0


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def _supported() -> set[Version]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {_version(text) for text in re.findall(r":: Python :: (3\.\d+)'", str(project["classifiers"]))}


def _find(supported: set[Version]) -> dict[Version, str]:
    """Return an interpreter for each supported version that this machine has."""
    found: dict[Version, str] = {}
    for path in _candidates(supported):
        version = _version_of(path)
        if version in supported:
            found.setdefault(version, path)
    return found


def _candidates(supported: set[Version]) -> Iterator[str]:
    for version in sorted(supported):
        yield f"python{_text(version)}"
    yield "python3"
    for folder, pattern in INSTALLED:
        yield from map(str, sorted(Path(folder).expanduser().glob(pattern), reverse=True))


def _version_of(path: str) -> Version | None:
    """Return the version that the interpreter says it is; None where it does not run, as pyenv's shims may."""
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.fullmatch(r"Python (3\.\d+)\.\S+", asked.stdout.strip())
    return _version(match[1]) if match else None


def _choose(names: list[str], found: dict[Version, str]) -> list[Version]:
    if names == ["all"]:
        return sorted(found)
    if names:
        return sorted(map(_version, names))
    ends = {min(found), max(found)} if found else set()
    return sorted(ends - {sys.version_info[:2]})


def _passes(version: Version, interpreter: str, options: list[str]) -> bool:
    before = time.monotonic()
    print(f"\nPython {_text(version)}: installing {REQUIREMENTS} …", flush=True)
    python = _prepare(version, interpreter)
    installed = time.monotonic()
    tests = [python, "-m", "pytest", *TESTS, START, "tests/steprunners", *options]
    passed = subprocess.run(tests, cwd=ROOT, check=False).returncode == 0
    tested = time.monotonic()
    print(
        f"Python {_text(version)}: {installed - before:.0f} s to install, {tested - installed:.0f} s of tests"
    )
    return passed


def _prepare(version: Version, interpreter: str) -> str:
    """Make the version's virtual environment as the requirements want it; return its interpreter."""
    folder = FOLDER / _text(version)
    python = str(folder / "bin" / "python")
    uv = str(Path(sys.executable).parent / "uv")
    if _version_of(python) != version:
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", interpreter, str(folder)], check=True)
    subprocess.run([uv, "pip", "sync", "--quiet", "--python", python, str(ROOT / REQUIREMENTS)], check=True)
    return python


def _version(text: str) -> Version:
    major, minor = text.split(".")
    return int(major), int(minor)


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
