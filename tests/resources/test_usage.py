"""Who uses resources: what registered finders say, and environments."""

from __future__ import annotations

from uuid import uuid4

from accounts.models import Team
from resources.services import save_environment, save_resource
from resources.usage import Use, places_using, uses_of


def test_environments_use_what_they_choose(team: Team, other_team: Team) -> None:
    shop, cache = (
        save_resource(team=team, user=None, name=name, type="redis", config={"host": "x"})
        for name in ("shop", "cache")
    )
    staging = save_environment(
        team=team, user=None, name="staging", resources={"a": "shop", "b": str(shop.pk)}
    )
    save_environment(team=other_team, user=None, name="theirs")

    (use,) = uses_of([shop, cache])
    assert (use.resource_id, use.url, use.by_name) == (shop.pk, f"/environments/{staging.pk}", False)
    assert places_using(shop) == ["environment staging"]
    assert places_using(cache) == []
    assert uses_of([]) == []


def test_a_use_is_told_with_its_steps() -> None:
    assert str(Use(uuid4(), "Orders", "/x", ("a", "b"))) == "Orders: a, b"
    assert str(Use(uuid4(), "staging", "/x")) == "staging"
