"""The secrets of an execution: read, added to, and found by steps beside each other."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Team
from executions.known_secrets import ExecutionSecrets, add_to, stored_texts, texts_of_run
from executions.models import Execution
from executions.starting.admission import RunRefused
from steprunners.errors import StepError
from tests.executions.driving import at_once, begin, delay
from tests.executions.rows import make_execution

pytestmark = pytest.mark.usefixtures("driven")


def more_of(execution: Execution) -> list[str]:
    found: list[str] = (Execution.objects.get(pk=execution.pk).secrets or {}).get("more", [])
    return found


def test_every_text_of_the_column_is_known() -> None:
    column = {"variables": {"a": {"k": ["one", 2]}}, "more": ["three"], "concurrent": True}
    assert stored_texts(column) == ["one", "2", "three"]
    assert stored_texts(None) == []


def test_saved_secrets_are_known_to_later_steps(team: Team) -> None:
    execution = make_execution(team, secrets={"more": ["the first"]})
    known = ExecutionSecrets(execution)
    assert known.add(["a second", "short", "the first"]) == {"a second"}
    assert more_of(execution) == ["the first"]
    known.save()
    assert more_of(execution) == ["the first", "a second"]


def test_known_secrets_cost_no_query(team: Team, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    execution = make_execution(team, secrets={"variables": {"key": "the first"}})
    with django_assert_num_queries(0):
        known = ExecutionSecrets(execution)
        known.add(["the first"])
        known.save()
        known.complete()


def test_concurrent_steps_share_their_secrets(team: Team) -> None:
    execution = make_execution(team, secrets={"concurrent": True})
    one, other = ExecutionSecrets(execution), ExecutionSecrets(execution)
    one.add(["found by one"])
    one.save()
    other.complete()
    assert other.texts == ("found by one",)


def test_a_child_s_secrets_are_stored_in_its_root(team: Team) -> None:
    root = make_execution(team, secrets={"more": ["of the root"]})
    child = make_execution(team, parent=root, root=root, secrets={"variables": {"v": "of the child"}})
    known = ExecutionSecrets(child)
    assert set(known.texts) == {"of the root", "of the child"}
    known.add(["found by the child"])
    known.save()
    assert more_of(root) == ["of the root", "found by the child"]
    assert more_of(child) == []
    child.refresh_from_db()
    assert texts_of_run(child) == ["of the root", "found by the child", "of the child"]


def test_a_deleted_execution_saves_nothing(team: Team) -> None:
    execution = make_execution(team, secrets={"concurrent": True})
    known = ExecutionSecrets(execution)
    Execution.objects.filter(pk=execution.pk).delete()
    known.add(["too late now"])
    known.complete()
    assert known.texts == ("too late now",)


@pytest.mark.django_db(transaction=True)
def test_concurrent_additions_are_all_kept(alone: None, team: Team) -> None:
    execution = make_execution(team)
    texts = [f"found by {number}" for number in range(8)]
    calls = [lambda text=text: add_to(execution.pk, [text]) for text in texts]
    assert at_once(*calls) == [None] * 8
    assert sorted(more_of(execution)) == texts


def test_an_execution_becomes_concurrent_by_its_child(team: Team) -> None:
    execution = make_execution(team)
    add_to(execution.pk, [], concurrent=True)
    assert Execution.objects.get(pk=execution.pk).secrets == {"more": [], "concurrent": True}


def test_more_secrets_than_can_be_looked_for_are_refused(team: Team) -> None:
    known = ExecutionSecrets(make_execution(team))
    texts = [f"{number:06d}" * 1_500 for number in range(9)]
    known.add(texts[:7])
    with pytest.raises(StepError) as refused:
        known.add(texts)
    assert refused.value.code == "too_many_secrets"
    assert known.texts == tuple(texts[:7]), "what was known before is masked still"


def test_a_run_with_too_many_secrets_is_refused(team: Team) -> None:
    declared = [
        {"name": f"v{number}", "secret": True, "defaultValue": f"{number:06d}" * 1_500} for number in range(9)
    ]
    with pytest.raises(RunRefused) as refused:
        begin(team, [delay("a")], declared=declared)
    assert [problem.code for problem in refused.value.problems] == ["too_many_secrets"]
