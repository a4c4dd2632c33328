"""Tests of `executions.selectors.search`: runs are found by the names of their flows."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from executions.models import Execution
from executions.selectors import search
from flows.models import Flow
from tests.cast import ApiFor
from tests.executions.rows import make_execution


def make_run(team: Team, name: str) -> Execution:
    return make_execution(team, flow=Flow.objects.create(team=team, name=name), flow_name=name)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("order", {"Order is paid", "Refund of an order"}),
        ("PAID order", {"Order is paid"}),
        ("%", set()),
        ("_", set()),
        ("order " * 5_000, set()),
        ("draft", {"A draft"}),
        ("", {"Order is paid", "Refund of an order", "A draft"}),
        ("   ", {"Order is paid", "Refund of an order", "A draft"}),
    ],
)
def test_every_word_is_in_the_name(alice: User, team: Team, text: str, found: set[str]) -> None:
    make_run(team, "Order is paid")
    make_run(team, "Refund of an order")
    make_execution(team, flow_name="A draft")
    runs = search.with_name(Execution.objects.all(), text, alice)
    assert set(runs.values_list("flow_name", flat=True)) == found


def test_a_renamed_flow_is_found_by_its_name_of_now(alice: User, team: Team) -> None:
    run = make_run(team, "Order")
    Flow.objects.update(name="Purchase")
    assert list(search.with_name(Execution.objects.all(), "purchase", alice)) == [run]
    assert not search.with_name(Execution.objects.all(), "order", alice)


def test_a_stranger_s_flows_do_not_crowd_out_one_s_own(
    alice: User, team: Team, other_team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_FLOWS", 1)
    run = make_run(team, "Order")
    strange = make_run(other_team, "Order")
    assert list(search.with_name(Execution.objects.all(), "order", alice)) == [run]
    assert list(search.with_name_anywhere(Execution.objects.all(), "order")) == [strange]  # changed last


def test_the_api_searches_with_two_statements(
    api: ApiFor, alice: User, team: Team, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        make_run(team, f"Order {number}")
    client = api(alice)
    with django_assert_num_queries(2):
        shown = client.get("/api/v1/executions?search=order").json()["results"]
    assert len(shown) == 25
    with django_assert_num_queries(1):
        client.get("/api/v1/executions")
