"""The version of the product: pyproject.toml is the only place that says it."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

#: For example "0.2.0".
VERSION: str = tomllib.loads(_PROJECT.read_text())["project"]["version"]
