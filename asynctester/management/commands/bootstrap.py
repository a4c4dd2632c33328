"""`manage.py bootstrap`: bring the database up to date and make an empty installation usable."""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from asynctester.bootstrap import Administrator, ensure_administrator, ensure_demo_team


class Command(BaseCommand):
    """Migrates, makes the administrator (ADMIN_EMAIL, ADMIN_PASSWORD), the demo organisation and team."""

    help = "Migrate the database, make the administrator and the demo team. May run again at any time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--json`."""
        parser.add_argument("--json", action="store_true", help="answer with one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say who the administrator is."""
        email = os.environ.get("ADMIN_EMAIL", "").strip()
        _check_email(email)
        call_command("migrate", interactive=False, verbosity=0)
        administrator = ensure_administrator(email=email, password=os.environ.get("ADMIN_PASSWORD", ""))
        team = ensure_demo_team(owner=administrator.user)
        if options["json"]:
            self.stdout.write(json.dumps(_summary(administrator) | {"teamId": str(team.id)}))
        else:
            self.stdout.write(_sentence(administrator))


def _check_email(email: str) -> None:
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise CommandError(f"ADMIN_EMAIL is not an e-mail address: {email}") from None


def _summary(administrator: Administrator) -> dict[str, str | None]:
    return {"email": administrator.user.email, "generatedPassword": administrator.generated_password}


def _sentence(administrator: Administrator) -> str:
    password = administrator.generated_password
    return f"Administrator: {administrator.user.email}" + (f", password: {password}" if password else "")
