"""`manage.py permissions_docs`: writes docs/permissions.md from the permission table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.permission_table import markdown, organisation_table, team_table

PAGE = """# Who may do what

Written by `manage.py permissions_docs` from `accounts/roles.py` and `accounts/permission_table.py`: change it there.

Whoever has no role in a team does not learn that its things exist: the answer is 404, everywhere. Whose role is too
low gets 403.

## In a team

{team}

Owners and admins of the organisation are ADMIN in each of its teams.

## In an organisation

{organisation}

An organisation needs at least one owner. Everybody may leave. What an organisation may connect to, and its limits,
are set by administrators of the installation alone ([limits](limits.md), [network](network.md)).

## API tokens

A token may do what its user may, within its scopes: READ for looking (and `flows/validate`), RUN for `run`, `rerun`,
`cancel`, `check` and `fire`, WRITE for all other changes. A token of one team sees and does nothing elsewhere.
Accounts are for people: no token reads or makes tokens, or changes profiles, users, organisations, teams or members.
See [tenancy](tenancy.md).
"""


class Command(BaseCommand):
    """Write the page, or with `--check` say whether it is up to date."""

    help = "Writes docs/permissions.md from the permission table."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--check`."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing, fail where the page is out of date"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write or check the page; raise CommandError where it is out of date."""
        path = Path(settings.BASE_DIR) / "docs" / "permissions.md"
        page = PAGE.format(team=markdown(team_table()), organisation=markdown(organisation_table()))
        if not options["check"]:
            path.write_text(page, encoding="utf-8")
            self.stdout.write(f"written: {path}")
        elif not path.exists() or path.read_text(encoding="utf-8") != page:
            raise CommandError("docs/permissions.md is out of date: run manage.py permissions_docs")
