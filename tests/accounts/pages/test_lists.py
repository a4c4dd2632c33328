"""What list pages share."""

from __future__ import annotations

from django.test import RequestFactory

from accounts.models import Team, User
from accounts.pages.lists import LONGEST_SEARCH, PAGE_SIZE, asked_for
from resources.models import Environment
from tests.cast import PageFor


def test_a_search_is_short_and_bare() -> None:
    request = RequestFactory().get("/", {"search": " a b ", "label": "x" * 1_000})
    assert asked_for(request) == "a b"
    assert len(asked_for(request, "label")) == LONGEST_SEARCH
    assert asked_for(request, "other") == ""


def test_the_way_to_another_page_keeps_the_search(team: Team, alice: User, page: PageFor) -> None:
    Environment.objects.bulk_create(
        Environment(team=team, name=f"stage & {number:03}") for number in range(PAGE_SIZE + 1)
    )
    client = page(alice)
    first = client.get("/environments", {"search": "stage &"})
    assert 'rel="next" href="?search=stage+%26&amp;page=2">After</a>' in first.content.decode()
    assert 'rel="prev"' not in first.content.decode()
    last = client.get("/environments?search=stage+%26&page=2")
    assert [each.name for each in last.context["page"]] == [f"stage & {PAGE_SIZE:03}"]
    assert 'rel="prev" href="?search=stage+%26&amp;page=1">Before</a>' in last.content.decode()
    for nonsense in ("999", "x", "-1"):
        assert client.get("/environments", {"page": nonsense}).status_code == 200


def test_htmx_gets_the_part_that_changes(alice: User, page: PageFor) -> None:
    client = page(alice)
    for place in ("/environments", "/resources", "/flows"):
        part = client.get(place, headers={"HX-Request": "true"}).content.decode()
        assert part.lstrip().startswith("<div id=")
        assert part.strip() in client.get(place).content.decode()
