"""Tests of `asynctester.embedded.web`; how it serves is seen in tests of whole installations."""

from __future__ import annotations

import resource
import subprocess
import sys

from asynctester.embedded.commands import ROOT
from asynctester.embedded.web import MOST_FILES

TRY = """
import resource
from asynctester.embedded.web import _allow_many_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
_allow_many_files()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_it_may_open_as_many_files_as_the_machine_allows() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    done = subprocess.run([sys.executable, "-c", TRY], capture_output=True, cwd=ROOT, check=True)
    expected = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    assert int(done.stdout) == max(expected, 256)
