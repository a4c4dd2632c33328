"""How much a step may read: defaults are lowered, wishes refused."""

from __future__ import annotations

import pytest

from steprunners.clients.quotas import within
from steprunners.errors import BadConfig
from steprunners.kinds.sql import SqlConfig

META = {"resourceId": "r", "query": "select 1"}


def test_what_is_within_the_limit_stays() -> None:
    config = SqlConfig.model_validate({**META, "maxRows": 10})
    assert within(config, "max_rows", 10) is config


def test_a_default_is_lowered() -> None:
    assert within(SqlConfig.model_validate(META), "max_rows", 10).max_rows == 10


def test_a_wish_is_refused() -> None:
    with pytest.raises(
        BadConfig, match=r"meta\.maxRows: the organisation's limit is 10, but this step asks for 11"
    ):
        within(SqlConfig.model_validate({**META, "maxRows": 11}), "max_rows", 10)
