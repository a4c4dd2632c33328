"""Flows and versions in the admin: read-only, scoped, without secrets, in a bounded number of queries."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team, User
from flows.documents.document import check_document
from flows.models import Flow
from flows.services import create_flow, save_version
from tests.cast import PASSWORD, PageFor
from tests.flows.sample_documents import flow, wait

SECRET = {"name": "key", "secret": True, "defaultValue": "hunter2hunter2"}


@pytest.fixture
def root(quick_passwords: None, db: None) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def staff(alice: User) -> User:
    alice.is_staff = True
    alice.save()
    return alice


def make(team: Team, user: User, name: str) -> Flow:
    document = check_document(flow(wait(), name=name, variables=[SECRET], labels=["smoke"]))
    return create_flow(team=team, user=user, document=document)


@pytest.fixture
def ours(team: Team, alice: User) -> Flow:
    return make(team, alice, "Our flow")


@pytest.fixture
def theirs(other_team: Team, charlie: User) -> Flow:
    return make(other_team, charlie, "Their flow")


def pages_of(flow: Flow) -> list[str]:
    version = flow.versions.first()
    assert version is not None
    return [f"/admin/flows/flow/{flow.pk}/change/", f"/admin/flows/flowversion/{version.pk}/change/"]


LISTS = ["/admin/flows/flow/", "/admin/flows/flowversion/"]


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def test_administrators_see_everything(page: PageFor, root: User, ours: Flow, theirs: Flow) -> None:
    for url in LISTS:
        text = text_of(page(root), url)
        assert "Our flow" in text
        assert "Their flow" in text
    for url in [*pages_of(ours), *pages_of(theirs)]:
        text_of(page(root), url)


def test_staff_see_their_teams_only(page: PageFor, staff: User, ours: Flow, theirs: Flow) -> None:
    for url in LISTS:
        text = text_of(page(staff), url)
        assert "Our flow" in text
        assert "Their flow" not in text
        assert "Warehouse" not in text
    for url in pages_of(theirs):
        assert page(staff).get(url).status_code == 302  # to the index: there is no such thing


def test_secrets_are_never_shown(page: PageFor, root: User, ours: Flow) -> None:
    for url in [*LISTS, *pages_of(ours)]:
        assert "hunter2" not in text_of(page(root), url)
    assert "defaultValue: ••••••" in text_of(page(root), pages_of(ours)[1])


def test_nothing_can_be_changed(page: PageFor, root: User, ours: Flow) -> None:
    for url in pages_of(ours):
        assert page(root).post(url, {"name": "x"}).status_code == 403
        assert page(root).get(url.replace("change", "delete")).status_code == 403
    for url in LISTS:
        assert page(root).get(f"{url}add/").status_code == 403


def test_flows_link_to_versions_and_these_to_flows(
    page: PageFor, root: User, ours: Flow, theirs: Flow
) -> None:
    link = f"/admin/flows/flowversion/?flow__id__exact={ours.pk}"

    assert link in text_of(page(root), LISTS[0])
    text = text_of(page(root), link)
    assert "Their flow" not in text
    assert f"/admin/flows/flow/{ours.pk}/change/" in text


def test_searches_and_filters(page: PageFor, root: User, ours: Flow, theirs: Flow) -> None:
    assert "Their flow" not in text_of(page(root), f"{LISTS[0]}?q=our")
    assert "Our flow" not in text_of(page(root), f"{LISTS[0]}?team__id__exact={theirs.team_id}")
    assert "Our flow" not in text_of(page(root), f"{LISTS[0]}?deleted_at__isempty=0")


def test_flows_are_deleted_softly(page: PageFor, root: User, staff: User, ours: Flow, theirs: Flow) -> None:
    chosen = {"action": "delete_softly", "_selected_action": [str(ours.pk), str(theirs.pk)]}

    page(staff).post(LISTS[0], chosen)
    assert Flow.objects.alive().count() == 2  # without Django's permission there is no such action

    staff.user_permissions.set(Permission.objects.filter(codename="delete_flow"))
    page(staff).post(LISTS[0], chosen)
    assert [each.name for each in Flow.objects.alive()] == ["Their flow"]


@pytest.mark.parametrize("url", LISTS)
def test_lists_take_few_queries(
    page: PageFor,
    root: User,
    team: Team,
    alice: User,
    url: str,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(10):
        made = make(team, alice, f"Flow {number}")
        save_version(flow=made, user=alice, document=check_document(flow(wait("other"))))
    client = page(root)

    with django_assert_max_num_queries(14):
        text_of(client, url)
