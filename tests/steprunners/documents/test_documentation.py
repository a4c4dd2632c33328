"""The page on step types is what the registry says."""

from __future__ import annotations

from pathlib import Path

import yaml

from steprunners.documents.documentation import step_types_page
from steprunners.documents.envelope import StepEnvelope
from steprunners.registry import step_types

PAGE = Path(__file__).parents[3] / "docs" / "step-types.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == step_types_page(), "run manage.py steptypes_docs"


def test_every_example_can_be_copied_from_the_page() -> None:
    examples = [block.partition("```")[0] for block in step_types_page().split("```yaml\n")[1:]]
    types = [StepEnvelope.model_validate(yaml.safe_load(example)).step_type for example in examples]
    assert types == [runner.type for runner in step_types()]


def test_every_field_is_on_the_page() -> None:
    page = step_types_page()
    for runner in step_types():
        for name in runner.config_class.model_json_schema(by_alias=True)["properties"]:
            assert f"| `{name}` |" in page
