"""The version: said once, and the newest release of the changelog."""

from __future__ import annotations

import re

from django.conf import settings

from asynctester.version import VERSION


def test_the_changelog_has_the_version_as_its_newest_release() -> None:
    changelog = (settings.BASE_DIR / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## (\d+\.\d+\.\d+) \S \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert releases[0] == VERSION
