"""Rotation of keys over real rows: nothing is lost, nothing stays under an old key, a running service goes on."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Team
from executions.models import Execution, ExecutionStep, SessionState
from flows.models import Flow, FlowVersion
from resources import rotation
from resources.models import Environment, Resource
from resources.secrets import key_files
from resources.secrets.encryption import SecretsUnreadable, current_keys, new_key
from tests.resources.keys import UseKeys

pytestmark = pytest.mark.django_db

SECRET = {"value": "hunter2-hunter2", "long": "x" * 50_000}


@pytest.fixture
def keys(use_keys: UseKeys) -> UseKeys:
    return use_keys


def rotate(*arguments: str) -> str:
    output = StringIO()
    call_command("rotate_keys", *arguments, stdout=output, stderr=output)
    return output.getvalue()


def rows(team: Team) -> None:
    """Write a value into every encrypted column that there is, several into one."""
    for number in range(45):  # more than two batches
        Resource.objects.create(team=team, name=f"r{number}", type="redis", secrets=SECRET)
    Resource.objects.create(team=team, name="without", type="redis")
    Environment.objects.create(team=team, name="staging", secrets=SECRET)
    flow = Flow.objects.create(team=team, name="flow", version=1)
    FlowVersion.objects.create(flow=flow, number=1, document={}, secrets=SECRET)
    execution = Execution.objects.create(
        team=team, flow_name="flow", secrets=SECRET, created_at=timezone.now(), look_at=timezone.now()
    )
    SessionState.objects.create(execution=execution, key="jar", value=SECRET)
    ExecutionStep.objects.create(
        execution=execution, position=0, end_position=0, name="a", flow_step_id="a", step_type="http",
        definition={}, state=SECRET, whole_response=SECRET, secret_extracts=SECRET,
    )  # fmt: skip


def values() -> list[object]:
    return [
        getattr(row, column[1].attname)
        for column in rotation.encrypted_columns()
        for row in column[0]._base_manager.filter(**{f"{column[1].name}__isnull": False})
    ]


def test_every_column_is_written_anew_and_old_keys_go(keys: UseKeys, team: Team, settings: Settings) -> None:
    [old] = keys()
    rows(team)
    count = len(values())
    assert count == 52, "a new encrypted column needs a value in rows()"

    said = rotate()

    [new, kept] = current_keys()
    assert kept == old
    assert "resources.Resource.secrets: 0 under the newest key, 45 under older ones" in said
    assert all(tally.older == 0 and not tally.unreadable for tally in rotation.survey().values())

    hour_ago = settings.SECRETS_KEY_FILE.stat().st_mtime - 3_600
    os.utime(settings.SECRETS_KEY_FILE, (hour_ago, hour_ago))
    assert "1 older keys dropped" in rotate("--prune")
    assert current_keys() == (new,)
    assert values() == [SECRET] * count
    assert "There is no older key" in rotate("--prune")


def test_pruning_waits_for_what_has_just_begun(
    keys: UseKeys, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that was written with the old key while the command waited does not lose it."""
    [old] = keys()
    rotate()
    both = current_keys()
    waited: list[float] = []

    def meanwhile(seconds: float) -> None:
        waited.append(seconds)
        keys(old)
        Environment.objects.create(team=team, name="late", secrets=SECRET)
        keys(*both)

    monkeypatch.setattr("resources.management.commands.rotate_keys.sleep", meanwhile)
    rotate("--prune")

    assert len(waited) == 1
    assert 0 < waited[0] <= 60
    assert current_keys() == both[:1]
    assert Environment.objects.get().secrets == SECRET


def test_an_interrupted_rotation_goes_on(keys: UseKeys, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    rows(team)
    write_anew = rotation._write_anew
    written: list[object] = []

    def dies(*arguments: object) -> None:
        if len(written) == 30:
            raise KeyboardInterrupt
        written.append(arguments)
        write_anew(*arguments)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(rotation, "_write_anew", dies)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    assert set(map(str, values())) == {str(SECRET)}, "everything can be read in between"
    keys_then = current_keys()
    monkeypatch.undo()

    said = rotate("--resume")

    assert current_keys() == keys_then
    assert "resources.Resource.secrets: 30 under the newest key, 15 under older ones" in said
    assert "45 under the newest key, 0 under older ones" in rotate("--check")


def test_what_the_service_changed_meanwhile_stays(keys: UseKeys, team: Team) -> None:
    rows(team)
    environment = Environment.objects.get()
    [column] = [each for each in rotation.encrypted_columns() if each[0] is Environment]
    [(pk, token)] = rotation._tokens(column)
    environment.secrets = {"value": "changed"}
    environment.save()

    rotation._write_anew(column, pk, token)

    assert Environment.objects.get().secrets == {"value": "changed"}


def test_what_no_key_reads_is_told_and_left(keys: UseKeys, team: Team) -> None:
    rows(team)
    keys()  # the key is lost
    lost = Environment.objects.values_list("pk", flat=True).get()

    with pytest.raises(CommandError, match="52 values cannot be read"):
        rotate("--check")
    said = rotate()

    assert f"unreadable: {lost}" in said
    with pytest.raises(SecretsUnreadable):
        Environment.objects.get().secrets  # noqa: B018 - reading it is the test


def test_a_key_can_be_given(keys: UseKeys, tmp_path: Path) -> None:
    [old] = keys()
    given = tmp_path / "given"
    given.write_text(new := new_key())

    rotate("--key-from", str(given))
    assert current_keys() == (new, old)

    rotate("--key-from", str(given))
    assert current_keys() == (new, old), "giving it again changes nothing"
    given.write_text("no key")
    with pytest.raises(CommandError, match="32 url-safe"):
        rotate("--key-from", str(given))
    with pytest.raises(CommandError, match="No such file"):
        rotate("--key-from", str(tmp_path / "nowhere"))


def test_keys_of_the_environment_are_not_ours_to_change(
    team: Team, settings: Settings, keys: UseKeys
) -> None:
    old, new = new_key(), new_key()
    settings.SECRETS_KEYS = [old]
    Environment.objects.create(team=team, name="staging", secrets=SECRET)
    assert "add a new one" in rotate()
    settings.SECRETS_KEYS = [new, old]

    assert "All but the first key may now be taken out" in rotate()

    settings.SECRETS_KEYS = [new]
    assert Environment.objects.get().secrets == SECRET
    with pytest.raises(CommandError, match="SECRETS_KEYS"):
        rotate("--key-from", "-")


def test_two_rotations_at_once_do_not_lose_a_key(keys: UseKeys, settings: Settings) -> None:
    before = current_keys()

    with key_files.locked(settings.SECRETS_KEY_FILE), pytest.raises(CommandError, match="Another"):
        rotate()
    assert current_keys() == before


def test_a_fresh_key_is_printed_without_touching_anything(keys: UseKeys) -> None:
    before = current_keys()
    assert len(rotate("--print-key").strip()) == 44
    assert current_keys() == before
