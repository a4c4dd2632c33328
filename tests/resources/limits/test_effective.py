"""Tests of `resources.limits` and `network`: what holds for an organisation."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import AuditEvent, Organisation, OrganisationMembership, Team, User
from resources.limits.effective import (
    SETTINGS,
    Limits,
    forget,
    grant_of_team,
    installation_limits,
    limits_of_team,
)
from resources.limits.models import OrganisationLimits, check_allowed
from resources.limits.services import change_limits
from resources.network import policy_of
from steprunners.errors import AddressRefused
from tests.cast import ApiFor, PageFor


@pytest.fixture
def root(quick_passwords: None, db: None) -> User:
    """An administrator of the installation, who belongs to no organisation."""
    return User.objects.create_superuser("root@example.com", "a password for tests only")


def address(organisation: Organisation) -> str:
    return f"/api/v1/organisations/{organisation.pk}/limits"


class TestLimits:
    def test_every_limit_has_a_column_and_a_setting(self) -> None:
        columns = {field.name for field in OrganisationLimits._meta.concrete_fields}
        assert set(SETTINGS) == columns - {"organisation", "network_allowed", "changed_at"}
        assert installation_limits() == Limits(**installation_limits().to_json())

    def test_without_a_row_the_installations_hold(self, team: Team, settings: Settings) -> None:
        settings.MAX_ROWS = 77
        assert limits_of_team(team.pk).rows == 77

    def test_its_own_come_first(self, team: Team, other_team: Team) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, rows=5)
        assert limits_of_team(team.pk).rows == 5
        assert limits_of_team(other_team.pk) == installation_limits()

    def test_a_change_holds_at_once_here(self, team: Team) -> None:
        row = OrganisationLimits.objects.create(organisation=team.organisation, rows=5)
        assert limits_of_team(team.pk).rows == 5
        row.rows = None
        row.save()
        assert limits_of_team(team.pk).rows == installation_limits().rows

    def test_read_once_for_many_steps(self, team: Team, django_assert_num_queries: Any) -> None:
        forget()
        with django_assert_num_queries(1):
            assert limits_of_team(team.pk) == limits_of_team(team.pk)
            policy_of(team.pk)

    def test_no_request_is_larger_than_the_installation_reads(self, team: Team, settings: Settings) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, request_bytes=10**9)
        assert limits_of_team(team.pk).request_bytes == settings.MAX_REQUEST_BYTES


class TestAllowList:
    @pytest.mark.parametrize(
        "text", ["", "shop.internal", "*.internal:8080\n10.0.0.0/8\n\n[::1]:80", ":8001", "fd00::/8"]
    )
    def test_entries(self, text: str) -> None:
        check_allowed(text)

    @pytest.mark.parametrize(
        "text",
        [
            "http://x",
            "a b",
            "10.0.0.0/99",
            "x:99999",
            "ok.internal\n!",
            "x" * 300,
            "unix:/tmp/x",
            "../etc",
            "a@b",
        ],
    )
    def test_what_is_none(self, text: str) -> None:
        with pytest.raises(ValidationError):
            check_allowed(text)

    def test_too_many(self) -> None:
        with pytest.raises(ValidationError, match="200"):
            check_allowed("\n".join(f"host{number}" for number in range(201)))


class TestPolicy:
    def test_an_organisations_own_list_is_for_it_alone(
        self, team: Team, other_team: Team, settings: Settings
    ) -> None:
        settings.NETWORK_ALLOWED = []
        OrganisationLimits.objects.create(organisation=team.organisation, network_allowed="10.1.0.0/16:5432")
        assert policy_of(team.pk).permitted("db", ["10.1.2.3"], 5432) == ["10.1.2.3"]
        for refused in ((team, "10.1.2.3", 22), (team, "10.2.0.1", 5432), (other_team, "10.1.2.3", 5432)):
            with pytest.raises(AddressRefused):
                policy_of(refused[0].pk).permitted("db", [refused[1]], refused[2])

    def test_metadata_never(self, team: Team) -> None:
        OrganisationLimits.objects.create(
            organisation=team.organisation, network_allowed="169.254.169.254\n0.0.0.0/0\n::/0\n*"
        )
        for each in ("169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "100.100.100.200"):
            with pytest.raises(AddressRefused, match="metadata"):
                policy_of(team.pk).permitted("metadata", [each], 80)

    def test_the_installations_list_is_for_all(self, team: Team, settings: Settings) -> None:
        settings.NETWORK_ALLOWED = ["10.9.0.0/16"]
        assert policy_of(team.pk).permitted("x", ["10.9.0.1"], 1) == ["10.9.0.1"]

    def test_limits_go_with_it(self, team: Team) -> None:
        OrganisationLimits.objects.create(
            organisation=team.organisation, response_bytes=2_000, rows=3, messages=4
        )
        policy = policy_of(team.pk)
        assert (policy.max_body_bytes, policy.max_rows, policy.max_messages) == (2_000, 3, 4)

    def test_equal_rules_are_one_object(self, team: Team, other_team: Team) -> None:
        assert policy_of(team.pk) is policy_of(other_team.pk)


class TestApi:
    def test_members_read(
        self, api: ApiFor, alice: User, bob: User, vera: User, organisation: Organisation
    ) -> None:
        for member in (alice, bob, vera):
            answer = api(member).get(address(organisation))
            assert answer.status_code == 200
            assert answer.json()["limits"]["stepsPerFlow"] == installation_limits().steps_per_flow
            assert answer.json()["own"] == answer.json()["networkAllowed"] == []

    def test_outsiders_find_nothing(self, api: ApiFor, charlie: User, organisation: Organisation) -> None:
        assert api(charlie).get(address(organisation)).status_code == 404
        assert api(charlie).patch(address(organisation), {"rows": 1}).status_code == 404

    def test_the_owner_cannot_open_the_network(
        self, api: ApiFor, alice: User, organisation: Organisation
    ) -> None:
        for body in ({"networkAllowed": ["127.0.0.1"]}, {"rows": 7}, {}):
            assert api(alice).patch(address(organisation), body).status_code == 403
        assert not OrganisationLimits.objects.exists()

    def test_staff_without_the_permission_cannot(
        self, api: ApiFor, alice: User, organisation: Organisation
    ) -> None:
        alice.is_staff = True
        alice.save()
        assert api(alice).patch(address(organisation), {"rows": 7}).status_code == 403

    def test_administrators_grant(self, api: ApiFor, root: User, alice: User, team: Team) -> None:
        body = {"networkAllowed": ["10.1.0.0/16", "*.shop.internal:443"], "rows": 50, "webSockets": 3}
        answer = api(root).patch(address(team.organisation), body)
        assert answer.status_code == 200
        assert answer.json()["limits"]["rows"] == 50
        assert answer.json()["own"] == ["rows", "web_sockets"]
        assert policy_of(team.pk).permitted("x", ["10.1.0.1"], 80)
        assert api(alice).get(address(team.organisation)).json()["networkAllowed"] == body["networkAllowed"]
        event = AuditEvent.objects.get(action="organisation.limits")
        assert event.actor_name == "root@example.com"
        assert api(root).patch(address(team.organisation), {"rows": None}).json()["own"] == ["web_sockets"]

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"networkAllowed": ["http://x"]}, "networkAllowed"),
            ({"networkAllowed": ["ok", "10.0.0.0/99"]}, "networkAllowed"),
            ({"networkAllowed": "10.0.0.0/8"}, "networkAllowed"),
            ({"rows": 0}, "rows"),
            ({"patternLength": 1_001}, "patternLength"),
            ({"rows": "many"}, "rows"),
            ({"runsPerMinute": 2**70}, "runsPerMinute"),
            ({"row": 1}, "row"),
        ],
    )
    def test_what_is_wrong_is_told(
        self, api: ApiFor, root: User, organisation: Organisation, body: dict[str, Any], place: str
    ) -> None:
        answer = api(root).patch(address(organisation), body)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"].startswith(place)

    def test_no_such_organisation(self, api: ApiFor, root: User) -> None:
        assert (
            api(root).get("/api/v1/organisations/01890000-0000-7000-8000-000000000000/limits").status_code
            == 404
        )


class TestEnforced:
    """Over REST, where the number of the organisation counts."""

    @pytest.mark.parametrize("path", ["/api/v1/flows/validate", "/api/v1/flows/run", "/api/v1/environments"])
    def test_request_size(self, api: ApiFor, alice: User, team: Team, path: str) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, request_bytes=1_000)
        body = {"name": "F", "description": "x" * 2_000, "steps": []}
        answer = api(alice).post(path, body)
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["code"] == "payload_too_large"

    @pytest.mark.parametrize("path", ["/api/v1/flows/validate", "/api/v1/environments"])
    def test_request_size_in_a_session(self, alice: User, team: Team, path: str) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, request_bytes=1_000)
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice)
        browser.get("/executions")
        token = {"X-CSRFToken": browser.cookies["csrftoken"].value} if "csrftoken" in browser.cookies else {}
        body = {"name": "F", "description": "x" * 2_000, "steps": []}
        answer = browser.post(path, body, content_type="application/json", headers=token)
        assert answer.status_code == 413

    def test_the_largest_of_a_users_organisations_counts(
        self, api: ApiFor, alice: User, team: Team, other_organisation: Organisation
    ) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, request_bytes=1_000)
        OrganisationMembership.objects.create(organisation=other_organisation, user=alice)
        body = {"name": "F", "description": "x" * 2_000, "steps": []}
        assert api(alice).post("/api/v1/flows/validate", body).status_code == 200

    def test_steps_of_a_flow(self, api: ApiFor, alice: User, team: Team) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, steps_per_flow=2)
        steps = [{"name": f"s{number}", "stepType": "delay", "meta": {"delayMs": 0}} for number in range(3)]
        assert api(alice).post("/api/v1/flows", {"name": "F", "steps": steps[:2]}).status_code == 201
        refused = api(alice).post("/api/v1/flows", {"name": "F", "steps": steps})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["code"] == "too_many_steps"
        assert "at most 2 steps" in refused.json()["errors"][0]["detail"]

    def test_length_of_patterns(self, api: ApiFor, alice: User, team: Team) -> None:
        OrganisationLimits.objects.create(organisation=team.organisation, pattern_length=20)
        assertions = [{"field": "delayedMs", "operator": "matches", "expectedValue": "a" * 21}]
        step = {"name": "a", "stepType": "delay", "meta": {"delayMs": 0}, "assertions": assertions}
        refused = api(alice).post("/api/v1/flows", {"name": "F", "steps": [step]})
        assert refused.status_code == 400
        assert "at most 20 characters" in refused.json()["errors"][0]["detail"]


class TestServices:
    def test_a_wrong_value_changes_nothing(self, root: User, organisation: Organisation) -> None:
        with pytest.raises(ValidationError):
            change_limits(organisation=organisation, user=root, changes={"rows": 10**9})
        assert not OrganisationLimits.objects.exists()


class TestPages:
    def test_members_read(self, page: PageFor, vera: User, team: Team) -> None:
        OrganisationLimits.objects.create(
            organisation=team.organisation, rows=12_345, network_allowed="<b>.internal"
        )
        shown = page(vera).get(reverse("organisation-limits-page", args=[team.organisation_id]))
        assert shown.status_code == 200
        text = shown.content.decode()
        assert "<strong>12,345</strong>" in text
        assert "&lt;b&gt;.internal" in text

    def test_outsiders_find_nothing(self, page: PageFor, charlie: User, organisation: Organisation) -> None:
        assert (
            page(charlie).get(reverse("organisation-limits-page", args=[organisation.pk])).status_code == 404
        )

    def test_strangers_sign_in(self, client: Client, organisation: Organisation) -> None:
        answer = client.get(reverse("organisation-limits-page", args=[organisation.pk]))
        assert answer.status_code == 302


class TestAdmin:
    def test_granting(self, page: PageFor, root: User, team: Team) -> None:
        browser = page(root)
        form = browser.get(reverse("admin:resources_organisationlimits_add"))
        assert f'placeholder="{installation_limits().rows}"' in form.content.decode()
        data = {"organisation": str(team.organisation_id), "network_allowed": "10.1.0.0/16", "rows": "9"}
        assert browser.post(reverse("admin:resources_organisationlimits_add"), data).status_code == 302
        assert grant_of_team(team.pk).network_allowed == ("10.1.0.0/16",)
        assert limits_of_team(team.pk).rows == 9
        listed = browser.get(reverse("admin:resources_organisationlimits_changelist")).content.decode()
        assert "rows 9" in listed
        assert "10.1.0.0/16" in listed

    def test_a_wrong_entry_is_told(self, page: PageFor, root: User, organisation: Organisation) -> None:
        data = {"organisation": str(organisation.pk), "network_allowed": "http://x"}
        answer = page(root).post(reverse("admin:resources_organisationlimits_add"), data)
        assert answer.status_code == 200
        assert "is not a host" in answer.content.decode()

    def test_an_owner_who_is_staff_only_reads(self, page: PageFor, alice: User, team: Team) -> None:
        alice.is_staff = True
        alice.save()
        row = OrganisationLimits.objects.create(organisation=team.organisation, rows=9)
        place = reverse("admin:resources_organisationlimits_change", args=[row.pk])
        assert page(alice).get(place).status_code == 200
        assert page(alice).post(place, {"network_allowed": "127.0.0.1"}).status_code == 403
        assert page(alice).get(reverse("admin:resources_organisationlimits_add")).status_code == 403
