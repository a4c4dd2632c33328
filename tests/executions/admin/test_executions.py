"""The admin of executions: what staff see, how many queries it takes, and its two actions."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from executions.admin.rows import LONGEST_JSON, pretty
from executions.models import Execution
from executions.states import ExecutionStatus, StepStatus
from flows.selectors import check_for_team
from flows.services import create_flow
from tests.cast import PageFor
from tests.executions.rows import make_attempt, make_execution, make_step, make_steps

pytestmark = pytest.mark.django_db
LIST = reverse("admin:executions_execution_changelist")
STEPS = reverse("admin:executions_executionstep_changelist")
ATTEMPTS = reverse("admin:executions_stepattempt_changelist")


@pytest.fixture
def root(page: PageFor) -> Client:
    """The browser of a superuser who belongs to no team."""
    return page(User.objects.create_superuser("root@example.com"))


@pytest.fixture
def staff(page: PageFor, bob: User) -> Client:
    """Bob's browser, who may use the admin."""
    bob.is_staff = True
    bob.save()
    return page(bob)


def change(row: Any) -> str:
    return reverse(f"admin:executions_{row._meta.model_name}_change", args=[row.pk])


def text(client: Client, address: str, **query: Any) -> str:
    response = client.get(address, query, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def fill(team: Team, count: int) -> None:
    for _ in range(count):
        execution = make_execution(team, status=ExecutionStatus.COMPLETED)
        make_attempt(make_step(execution))


@pytest.mark.parametrize("address", [LIST, STEPS, ATTEMPTS])
def test_lists_take_as_many_queries_for_every_length(
    root: Client, team: Team, address: str, django_assert_num_queries: Any
) -> None:
    fill(team, 1)
    with django_assert_num_queries(100, exact=False) as few:
        text(root, address)
    fill(team, 20)
    with django_assert_num_queries(len(few)):
        text(root, address)


def test_links_lead_from_the_execution_to_its_attempts(root: Client, team: Team, alice: User) -> None:
    document = check_for_team(team, {"name": "Orders", "steps": []})
    flow = create_flow(team=team, user=alice, document=document)
    execution = make_execution(team, flow=flow, version=flow.versions.get(), flow_version=1)
    step = make_step(execution)
    make_step(make_execution(team), name="elsewhere")
    attempt = make_attempt(step)
    assert change(execution) in text(root, LIST)
    address = f"{STEPS}?execution__id__exact={execution.pk}"
    assert address in text(root, change(execution))
    shown = text(root, address)
    assert change(step) in shown
    assert "elsewhere" not in shown
    address = f"{ATTEMPTS}?step__id__exact={step.pk}"
    assert address in text(root, change(step))
    assert change(attempt) in text(root, address)
    assert change(step) in text(root, change(attempt))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "fulfilled"}, True),
        ({"q": "refund"}, False),
        ({"status__exact": "COMPLETED"}, True),
        ({"status__exact": "FAILED"}, False),
        ({"source__exact": "API"}, True),
        ({"created_at__year": "2026"}, True),
        ({"created_at__year": "2025"}, False),
    ],
)
def test_search_filters_and_dates(root: Client, team: Team, query: dict[str, str], found: bool) -> None:
    execution = make_execution(team, status=ExecutionStatus.COMPLETED)
    assert (change(execution) in text(root, LIST, **query)) is found


def test_search_by_id(root: Client, team: Team) -> None:
    execution, other = make_execution(team), make_execution(team)
    shown = text(root, LIST, q=str(execution.pk))
    assert change(execution) in shown
    assert change(other) not in shown


class TestStaff:
    def test_sees_own_teams_only(self, staff: Client, team: Team, other_team: Team) -> None:
        mine, foreign = (make_attempt(make_step(make_execution(each))) for each in (team, other_team))
        for address, row, hidden in (
            (LIST, mine.step.execution, foreign.step.execution),
            (STEPS, mine.step, foreign.step),
            (ATTEMPTS, mine, foreign),
        ):
            shown = text(staff, address)
            assert change(row) in shown
            assert change(hidden) not in shown
            text(staff, change(row))
            assert staff.get(change(hidden)).status_code == 302  # to the start page: unknown

    def test_may_not_write(self, staff: Client, root: Client, team: Team) -> None:
        execution = make_execution(team)
        for client in (staff, root):
            assert client.get(reverse("admin:executions_execution_add")).status_code == 403
            assert client.post(change(execution), {"status": "COMPLETED"}).status_code == 403
            delete = reverse("admin:executions_execution_delete", args=[execution.pk])
            assert client.post(delete, {"post": "yes"}).status_code == 403
        execution.refresh_from_db()
        assert execution.status == ExecutionStatus.IN_PROGRESS

    def test_others_may_not_look(self, page: PageFor, alice: User) -> None:
        assert page(alice).get(LIST).status_code == 302  # to the login


class TestActions:
    def act(self, client: Client, action: str, *executions: Execution) -> str:
        data = {"action": action, "_selected_action": [str(each.pk) for each in executions]}
        response = client.post(LIST, data, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    def test_cancel(self, staff: Client, team: Team) -> None:
        running = make_execution(team, remaining=1)
        make_steps(running, 1, status=StepStatus.PENDING)
        over = make_execution(team, status=ExecutionStatus.COMPLETED)
        shown = self.act(staff, "cancel", running, over)
        running.refresh_from_db()
        assert running.cancel_requested_at is not None
        assert "is being cancelled" in shown
        assert "has already ended" in shown

    def test_run_again(self, staff: Client, team: Team, bob: User) -> None:
        step = {"name": "pause", "stepType": "delay", "meta": {"delayMs": 1}}
        flow = create_flow(
            team=team, user=bob, document=check_for_team(team, {"name": "Orders", "steps": [step]})
        )
        version = flow.versions.get()
        execution = make_execution(team, flow=flow, version=version, status=ExecutionStatus.FAILED)
        self.act(staff, "run_again", execution)
        again = Execution.objects.get(rerun_of=execution)
        assert (again.source, again.user) == ("ADMIN", bob)

    def test_a_refusal_is_shown(self, staff: Client, team: Team) -> None:
        """Neither flow nor draft is left."""
        assert "the flow was deleted" in self.act(staff, "run_again", make_execution(team))

    def test_a_viewer_may_not(self, page: PageFor, vera: User, team: Team) -> None:
        User.objects.filter(pk=vera.pk).update(is_staff=True)
        execution = make_execution(team)
        assert "does not allow" in self.act(page(vera), "cancel", execution)
        execution.refresh_from_db()
        assert execution.cancel_requested_at is None

    def test_foreign_executions_cannot_be_chosen(self, staff: Client, other_team: Team) -> None:
        execution = make_execution(other_team)
        self.act(staff, "cancel", execution)
        execution.refresh_from_db()
        assert execution.cancel_requested_at is None


class TestJson:
    def test_is_pretty_escaped_and_capped(self) -> None:
        assert pretty({"a": "<b>\ud800"}) == "<pre>{\n  &quot;a&quot;: &quot;&lt;b&gt;\\ud800&quot;\n}</pre>"
        assert len(pretty("x" * 1_000_000)) < LONGEST_JSON + 100
        assert "1000002 characters in total" in pretty("x" * 1_000_000)
        assert pretty(None) == "-"

    def test_secrets_are_not_shown(self, root: Client, team: Team) -> None:
        execution = make_execution(team, secrets={"variables": {"key": "hidden-secret"}})
        step = make_step(execution, whole_response="hidden-secret", state="hidden-secret", response={"a": 1})
        for row in (execution, step):
            assert "hidden-secret" not in text(root, change(row))


class TestManyRows:
    """What the lists do without, so that they are quick where there are a million rows."""

    def test_they_count_and_page_no_further(self, root: Client, team: Team, monkeypatch: Any) -> None:
        monkeypatch.setattr("executions.admin.rows.MOST_ROWS", 60)
        for _ in range(70):
            make_execution(team)
        shown = root.get(LIST).context["cl"]
        assert (shown.result_count, shown.paginator.num_pages) == (60, 2)
        assert len(root.get(LIST, {"p": 2}).context["cl"].result_list) == 10

    def test_executions_are_found_by_id_and_by_name(self, root: Client, staff: Client, team: Team) -> None:
        wanted, other = make_execution(team, flow_name="Order"), make_execution(team, flow_name="Refund")
        for client in (root, staff):
            for query in (str(wanted.pk), "ord"):
                assert list(client.get(LIST, {"q": query}).context["cl"].result_list) == [wanted]
        assert str(other.pk)[-12:] in text(root, LIST, q="")

    def test_steps_and_attempts_are_found_by_ids(self, root: Client, team: Team) -> None:
        execution = make_execution(team)
        step, other = make_steps(execution, 2)
        attempt = make_attempt(step)
        make_step(make_execution(team))
        for query, steps in ((step.pk, {step}), (execution.pk, {step, other}), ("step", set())):
            assert set(root.get(STEPS, {"q": str(query)}).context["cl"].result_list) == steps
        for query in (attempt.pk, step.pk, execution.pk):
            assert list(root.get(ATTEMPTS, {"q": str(query)}).context["cl"].result_list) == [attempt]
        assert not root.get(ATTEMPTS, {"q": "1"}).context["cl"].result_list

    def test_the_steps_of_one_execution_have_more_filters(self, root: Client, team: Team) -> None:
        execution = make_execution(team)
        make_step(execution, 0, name="call")
        make_step(execution, 1, name="pause", step_type="delay")
        of_it = {"execution__id__exact": str(execution.pk)}

        def names(**query: str) -> list[str]:
            return [step.name for step in root.get(STEPS, {**of_it, **query}).context["cl"].result_list]

        assert names() == ["call", "pause"]
        assert names(q="PAU") == names(step_type="delay") == ["pause"]
        assert "By step type" not in text(root, STEPS)
