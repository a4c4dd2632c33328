"""The flow step asks for a child execution."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from steprunners.kinds.flow import FlowConfig, FlowRunner
from steprunners.runner import RunChild
from tests.steprunners.conftest import MakeContext


def test_it_works(make_context: MakeContext) -> None:
    config = FlowConfig.model_validate({"flowId": "f", "version": 3, "variables": {"a": [1]}})
    assert FlowRunner().run(config, make_context()) == RunChild("f", 3, {"a": [1]})


def test_the_newest_version_where_none_is_named(make_context: MakeContext) -> None:
    assert FlowRunner().run(FlowConfig(flow_id="f"), make_context()) == RunChild("f", None, {})


@pytest.mark.parametrize(
    "meta", [{}, {"flowId": ""}, {"flowId": "f", "version": 0}, {"flowId": "f", "variables": []}]
)
def test_bad_config(meta: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FlowConfig.model_validate(meta)
