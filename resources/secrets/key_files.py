"""Keys that are made once and kept in a file that only their owner can read."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

#: What a file held when it was last read, by path: `(stamp, keys)`.
_read: dict[Path, tuple[tuple[int, int, int], tuple[str, ...]]] = {}


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
    temporary = _write_beside(path, key)
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first: its key counts
    finally:
        os.unlink(temporary)


def _write_beside(path: Path, text: str) -> str:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mkstemp creates it 0600
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return temporary


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the keys in the file, one a line, as they are now: a changed file is read anew.

    A file that was read before and has gone does not take the keys away from a process that runs. Raises
    FileNotFoundError where it was never there.
    """
    known = _read.get(path)
    try:
        status = path.stat()
    except FileNotFoundError:
        if known is None:
            raise
        return known[1]
    stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
    if known is None or known[0] != stamp:
        known = _read[path] = (stamp, tuple(path.read_text().split()))
    return known[1]


def write_keys(path: Path, keys: Sequence[str]) -> None:
    """Replace the keys in the file, which keeps its owner: whoever reads it gets the old ones or the new ones, whole.

    Raises OSError where the folder cannot be written to.
    """
    path = path.resolve()  # a link stays a link
    owner = path.stat()
    temporary = _write_beside(path, "".join(f"{key}\n" for key in keys))
    try:
        if os.geteuid() == 0:  # else the service, which seldom is root, could not read its keys any more
            os.chown(temporary, owner.st_uid, owner.st_gid)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the key file for whoever changes it; raises BlockingIOError where another process does."""
    with path.with_name(f"{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
