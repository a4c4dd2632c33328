"""An installation to break, one a test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import keep_book
from tests.faults.installation import Installation, installation
from tests.servers.plugin import FOLDER_VARIABLE


@pytest.fixture
def here(request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation of this test alone, with a book that the database keeps; the parameter says how many workers."""
    # PostgreSQL's user has to pass through; pytest keeps its own folders to ourselves.
    folder = Path(tempfile.mkdtemp(prefix="faults", dir=os.environ[FOLDER_VARIABLE]))
    with installation(folder, workers=getattr(request, "param", 2)) as made:
        keep_book(made.database_url)
        yield made
