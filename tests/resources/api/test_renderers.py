"""JSON answers of any content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from resources.api.renderers import JSONRenderer


@pytest.mark.parametrize("value", [{"a": "é"}, {"a": "\ud800"}, {"\udfff": ["\x00", 2**70]}, [], None])
def test_every_value_comes_back(value: Any) -> None:
    body = JSONRenderer().render(value)
    assert (json.loads(body) if body else None) == value


def test_utf_8_where_it_can() -> None:
    assert JSONRenderer().render("é") == '"é"'.encode()
