"""Where the other tools live: each is installed once, by its own installer, into a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NEWMAN = "newman@6.2.2"
UV = Path(sys.executable).with_name("uv")


class NotInstalled(Exception):
    """The tool cannot be had here; the message says why."""


@dataclass(frozen=True)
class Tool:
    """A tool's name, its executable inside its folder, and how it gets there."""

    name: str
    executable: str
    install: Callable[[Path], None]

    def path(self, home: Path) -> Path:
        """Return the executable, installed where it was not; raise NotInstalled."""
        folder = home / self.name.lower()
        found = folder / self.executable
        if not found.exists():
            folder.mkdir(parents=True, exist_ok=True)
            try:
                self.install(folder)
            except (OSError, subprocess.CalledProcessError) as error:
                raise NotInstalled(f"{self.name}: {error}") from error
        if not found.exists():
            raise NotInstalled(f"{self.name}: its installer left no {self.executable}")
        return found


def _python_package(requirements: str) -> Callable[[Path], None]:
    def install(folder: Path) -> None:
        _run(UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder)
        listed = Path(__file__).with_name(requirements)
        _run(UV, "pip", "install", "--quiet", "--python", folder / "bin" / "python", "-r", listed)

    return install


def _newman(folder: Path) -> None:
    _run(_needed("npm"), "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder, NEWMAN)


def _needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise OSError(f"no {program} on PATH")
    return found


def _run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


TAVERN = Tool("Tavern", "bin/tavern-ci", _python_package("tavern.txt"))
NEWMAN_TOOL = Tool("newman", "node_modules/.bin/newman", _newman)
PREFECT = Tool("Prefect", "bin/prefect", _python_package("prefect.txt"))
