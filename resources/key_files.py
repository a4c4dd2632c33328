"""Keys that are made once and kept in a file that only their owner can read."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path


def read_or_create_key(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(50)) -> str:
    """Return the key kept in `path`; on first use `make` one and keep it there (mode 0600).

    Of two processes that start together one makes the key and both read the same one: the file
    appears whole or not at all.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path, make())
    return path.read_text().strip()


def _write_once(path: Path, key: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp creates it 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(key)
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        os.unlink(temporary)
