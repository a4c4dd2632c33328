"""Tests of `asynctester.api.lists`."""

from __future__ import annotations

import pytest

from accounts.models import User
from tests.cast import ApiFor

TEAMS = "/api/v1/teams"


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("page=0", {404}),
        ("page=-1", {404}),
        ("page=x", {404}),
        ("page=99999999999999999999", {404}),
        ("page=" + "9" * 5000, {404}),
        ("pageSize=0", {200}),
        ("pageSize=x", {200}),
        ("pageSize=1000000", {200}),
        ("pageSize=" + "9" * 5000, {200}),
        ("ordering=nothing,-createdAt,--name,__class__", {200}),
        ("search=%22%27,,,%5C%ff", {200}),
        ("search=" + "x" * 5000, {200}),
        ("search=" + "x" * 50_000, {400}),
        ("search=" + "a+" * 50, {200}),
        ("search=" + "a+" * 20_000, {400}),
    ],
)
def test_lists_take_any_query(api: ApiFor, alice: User, query: str, statuses: set[int]) -> None:
    answer = api(alice).get(f"{TEAMS}?{query}")
    assert answer.status_code in statuses, answer.content


@pytest.mark.parametrize("things", ["executions", "flows"])
def test_a_label_is_no_longer_than_labels_are(api: ApiFor, alice: User, things: str) -> None:
    for length, status in ((100, 200), (50_000, 400)):
        assert api(alice).get(f"/api/v1/{things}?label={'x' * length}").status_code == status


def test_ordering_takes_wire_names(api: ApiFor, alice: User) -> None:
    api(alice).post(TEAMS, {"name": "Zebra"})
    newest_first = api(alice).get(f"{TEAMS}?ordering=-createdAt&pageSize=1").json()
    assert [team["name"] for team in newest_first["results"]] == ["Zebra"]
    assert newest_first["count"] == 2
