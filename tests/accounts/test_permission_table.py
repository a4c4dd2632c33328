"""Tests of `accounts.permission_table` and of the page that is written from it."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from accounts.permission_table import (
    ORGANISATION_WORDS,
    TEAM_WORDS,
    markdown,
    organisation_table,
    team_table,
)
from accounts.permissions import Action, OrganisationAction


def test_every_action_has_words() -> None:
    assert list(TEAM_WORDS) == list(Action)
    assert list(ORGANISATION_WORDS) == list(OrganisationAction)


@pytest.mark.parametrize("table", [team_table(), organisation_table()])
def test_a_higher_role_may_no_less(table: object) -> None:
    for row in table.rows:  # type: ignore[attr-defined]  # a Table
        assert row.allowed == sorted(row.allowed)
        assert row.allowed[-1]


def test_as_markdown() -> None:
    lines = markdown(organisation_table()).splitlines()
    assert lines[0] == "|  | MEMBER | ADMIN | OWNER |"
    assert lines[-1] == "| Make and unmake owners; delete the organisation |  |  | yes |"


def test_the_page_is_up_to_date(settings: object, tmp_path: object) -> None:
    call_command("permissions_docs", "--check")
    settings.BASE_DIR = tmp_path  # type: ignore[attr-defined]  # pytest-django's
    with pytest.raises(CommandError, match="out of date"):
        call_command("permissions_docs", "--check")
