"""Every relative link, anchor and file name in the documentation points to something that exists."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "benchmarks").glob("*.md"),
    ]
)
#: Pages that speak of the code as it was when they were written.
HISTORY = [ROOT / "CHANGELOG.md", *(ROOT / "docs" / "adr").glob("*.md")]

FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2[^\n]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(.+?)\1", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:|^//")
#: A path of the repository in backticks: folders, then a name with a suffix that our files have.
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*/[\w.-]+\.(?:py|md|yaml|toml|json|html|js|css|sh|sql|txt)")
#: Folders that are not in the repository: what the service or the tools make.
SKIPPED = frozenset({".data", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "node_modules"})


def without_code(text: str) -> str:
    """Return the text without code, in which brackets are no links."""
    return CODE.sub("", FENCE.sub("", text))


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes for a heading."""
    text = LINK.sub(lambda match: match.group(0).partition("](")[0], heading)
    kept = re.sub(r"[^\w\- ]", "", text.strip().lower())
    return kept.replace(" ", "-")


@lru_cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page; a repeated heading gets a number."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        name = slug(heading)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return frozenset(found)


def broken_links(page: Path, text: str) -> Iterator[str]:
    """Yield the relative links of a text, read as if it stood in `page`, that lead nowhere."""
    for target in LINK.findall(without_code(text)):
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield target


def missing_files(text: str) -> Iterator[str]:
    """Yield the paths in backticks that look like files of the repository but do not exist."""
    for _, code in CODE.findall(FENCE.sub("", text)):
        if FILE.fullmatch(code) and code.partition("/")[0] not in SKIPPED and not exists(code):
            yield code


def exists(path: str) -> bool:
    """Say whether the repository has the file; pages may leave out the first folders (`live/events.py`)."""
    return any(f"/{known}".endswith(f"/{path}") for known in files())


@lru_cache
def files() -> tuple[str, ...]:
    """Return every file of the repository, as a path from its root."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED]
        found += [(Path(folder) / name).relative_to(ROOT).as_posix() for name in names]
    return tuple(found)


def name_of(page: Path) -> str:
    """Return the name under which a page is shown by pytest."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page, page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in HISTORY], ids=name_of)
def test_named_files_exist(page: Path) -> None:
    assert list(missing_files(page.read_text(encoding="utf-8"))) == []


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(LINK.findall(index))


def test_broken_links_and_anchors_are_found() -> None:
    text = "[a](docs/none.md) [b](README.md#none) [c](#none) `[d](none.md)` [e](https://example.com/none.md)"
    assert list(broken_links(ROOT / "README.md", text)) == ["docs/none.md", "README.md#none", "#none"]


def test_missing_files_are_found() -> None:
    assert list(missing_files("`executions/none.py` `manage.py` `${a}/b.json`")) == ["executions/none.py"]


def test_anchors_are_made_as_github_makes_them() -> None:
    assert slug("References: `${…}`") == "references-"
    assert slug("What is *secret*, and why") == "what-is-secret-and-why"
