"""Every whole flow in the documentation is valid."""

from __future__ import annotations

import re

import pytest

from flows.documents.document import check_document, parse_body
from tests.docs.test_links import PAGES, name_of

BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FLOWS = [
    pytest.param(block, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), start=1)
    if re.search(r"^steps:", block, re.MULTILINE)
]


def test_there_are_flows_to_check() -> None:
    assert len(FLOWS) >= 4


@pytest.mark.parametrize("text", FLOWS)
def test_the_flow_is_valid(text: str) -> None:
    document = check_document(parse_body(text.encode(), "application/yaml"), known_names=set())
    assert document.steps
