"""Writing flows: versions count up without gaps, and never change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from accounts.models import Team, User
from flows.documents.document import FlowDocument, check_document
from flows.models import Flow, FlowVersion
from flows.selectors import load_document, newest_version
from flows.services import StaleVersion, create_flow, create_flows, delete_flow, restore, save_version
from tests.flows.sample_documents import flow, wait


def document(name: str = "A flow", **more: Any) -> FlowDocument:
    return check_document(flow(wait(id="wait"), **{"name": name, **more}))


@pytest.fixture
def saved(team: Team, alice: User) -> Flow:
    return create_flow(team=team, user=alice, document=document())


def test_create(saved: Flow, alice: User) -> None:
    version = newest_version(saved)

    assert (saved.name, saved.version, version.number, version.created_by) == ("A flow", 1, 1, alice)
    assert load_document(version) == document()


def test_a_change_is_the_next_version(saved: Flow, bob: User) -> None:
    version = save_version(flow=saved, user=bob, document=document("B", labels=["x"]), base_version=1)

    assert (version.number, saved.version, saved.name, saved.labels) == (2, 2, "B", ["x"])
    assert load_document(saved.versions.get(number=1)).name == "A flow"


def test_what_is_unchanged_makes_no_version(saved: Flow, bob: User) -> None:
    assert save_version(flow=saved, user=bob, document=document()).number == 1
    assert saved.versions.count() == 1


def test_a_changed_secret_is_a_change(saved: Flow, bob: User) -> None:
    for number, secret in ((2, "one"), (3, "two"), (3, "two")):
        variables = [{"name": "key", "secret": True, "defaultValue": secret}]
        version = save_version(flow=saved, user=bob, document=document(variables=variables))
        assert version.number == number
        assert load_document(version).secret_defaults() == {"key": secret}


def test_a_stale_base_is_refused(saved: Flow, bob: User) -> None:
    save_version(flow=saved, user=bob, document=document("B"))

    with pytest.raises(StaleVersion) as caught:
        save_version(flow=saved, user=bob, document=document("C"), base_version=1)
    assert caught.value.current == 2


def test_restore_makes_a_new_version(saved: Flow, bob: User) -> None:
    save_version(flow=saved, user=bob, document=document("B"))

    assert restore(flow=saved, number=1, user=bob).number == 3
    assert saved.name == "A flow"
    with pytest.raises(FlowVersion.DoesNotExist):
        restore(flow=saved, number=9, user=bob)


def test_a_deleted_flow_is_not_saved(saved: Flow, bob: User) -> None:
    delete_flow(flow=saved)

    assert not Flow.objects.alive().exists()
    with pytest.raises(Flow.DoesNotExist):
        save_version(flow=saved, user=bob, document=document("B"))


def test_all_flows_or_none(team: Team, alice: User) -> None:
    good, bad = document("good"), document("x" * 200)
    bad.name = None  # type: ignore[assignment]  # the database refuses it, after the first is written

    with pytest.raises(Exception, match=r"(?i)null"):
        create_flows(team=team, user=alice, documents=[good, bad])
    assert not Flow.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_saves_at_once_never_share_a_number(saved: Flow, bob: User) -> None:
    def save(name: str) -> int:
        try:
            flow_in_thread = Flow.objects.get(pk=saved.pk)
            return save_version(flow=flow_in_thread, user=bob, document=document(name)).number
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(save, [f"name {number}" for number in range(12)]))

    assert sorted(numbers) == list(range(2, 14))
    assert Flow.objects.get().version == 13
