"""Where the newest versions of flows use resources."""

from __future__ import annotations

from accounts.models import Team, User
from flows.documents.document import check_document
from flows.resource_uses import uses_in_flows
from flows.selectors import check_for_team
from flows.services import create_flow, delete_flow, save_version
from tests.flows.sample_documents import choose, flow, get, wait
from tests.flows.test_selectors import http_resource


def test_uses_are_those_of_newest_versions(team: Team, alice: User) -> None:
    shop, other = http_resource(team, 'the "shöp"'), http_resource(team, "shop")
    by_name = get("by_name", url="/x")
    by_name["meta"]["resourceId"] = shop.name
    by_id = get("by_id", url="/x")
    by_id["meta"]["resourceId"] = str(shop.pk)
    raw = flow(by_name, choose("c", by_id), name="Orders", description="shop")
    saved = create_flow(team=team, user=alice, document=check_for_team(team, raw))

    (use,) = uses_in_flows([shop, other])
    assert str(use) == "Orders: by_name, by_id"
    assert (use.resource_id, use.url, use.by_name) == (shop.pk, f"/flows/{saved.pk}", True)

    save_version(flow=saved, user=alice, document=check_document(flow(wait())))
    assert uses_in_flows([shop]) == []

    save_version(flow=saved, user=alice, document=check_for_team(team, raw))
    delete_flow(flow=saved)
    assert uses_in_flows([shop]) == []
