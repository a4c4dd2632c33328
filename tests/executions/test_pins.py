"""Which versions a run pins, and that pinning always comes to an end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from accounts.models import Team
from executions.pins import pinned_versions
from flows.document import FlowDocument, check_document
from flows.models import Flow
from flows.services import create_flow, save_version
from tests.executions.driving import choice, delay

pytestmark = pytest.mark.django_db

SPELLINGS = [str, lambda pk: str(pk).upper(), lambda pk: pk.hex, lambda pk: f"{{{pk}}}"]


def _document(*steps: dict[str, Any]) -> FlowDocument:
    return check_document({"name": "Flow", "steps": list(steps)})


def _calling(flow_id: Any) -> dict[str, Any]:
    return {"name": "call", "stepType": "flow", "meta": {"flowId": str(flow_id)}}


def _flow(team: Team, *steps: dict[str, Any]) -> Flow:
    return create_flow(team=team, user=None, document=_document(*steps))


def test_flows_below_and_in_branches(team: Team) -> None:
    leaf = _flow(team, delay("a"))
    save_version(flow=leaf, user=None, document=_document(delay("b")))
    middle = _flow(team, choice("which", [_calling(leaf.pk)]))
    assert pinned_versions(team, _document(_calling(middle.pk))) == {str(middle.pk): 1, str(leaf.pk): 2}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_flow_that_calls_itself_however_its_id_is_written(team: Team, spelling: Any) -> None:
    flow = _flow(team, delay("a"))
    own_id: UUID = flow.pk
    itself = _document(_calling(spelling(own_id)))
    save_version(flow=flow, user=None, document=itself)
    assert pinned_versions(team, itself) == {str(own_id): 2}


@pytest.mark.parametrize("flow_id", ["nope", "${which}", "01a20394-96f3-7197-8a9e-3964d38e344b"])
def test_what_is_no_flow_is_not_pinned(team: Team, flow_id: str) -> None:
    variables = [{"name": "which", "type": "string", "defaultValue": "x"}]
    document = check_document({"name": "Flow", "variables": variables, "steps": [_calling(flow_id)]})
    assert pinned_versions(team, document) == {}
