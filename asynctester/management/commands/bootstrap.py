"""`manage.py bootstrap`: bring the database up to date and make an empty installation usable."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import OperationalError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.models import Team
from asynctester.bootstrap import Administrator, ensure_administrator, ensure_demo_team
from asynctester.demo_flows import ensure_lab_environment, ensure_lab_flows


class Command(BaseCommand):
    """Migrates; makes the administrator (ADMIN_EMAIL, ADMIN_PASSWORD), the demo team and the lab's flows."""

    help = "Migrate the database, make the administrator and the demo team. May run again at any time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the lab's address and the file for programs."""
        parser.add_argument("--lab-url", default="", help="where the demo shop listens; brings its flows")
        parser.add_argument(
            "--json", type=Path, help="write what was made, with an access token, to this file"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it, and say who the administrator is."""
        email = os.environ.get("ADMIN_EMAIL", "").strip()
        _check_email(email)
        _migrate()
        administrator = ensure_administrator(email=email, password=os.environ.get("ADMIN_PASSWORD", ""))
        team = ensure_demo_team(owner=administrator.user)
        lab = _bring_lab(team, administrator, options["lab_url"])
        if options["json"]:
            _write_private(options["json"], json.dumps(_summary(team, administrator) | lab))
        else:
            self.stdout.write(_sentence(administrator))


def _migrate() -> None:
    try:
        call_command("migrate", interactive=False, verbosity=0)
    except OperationalError as problem:
        raise CommandError(f"the database does not answer as it should: {problem}") from problem


def _check_email(email: str) -> None:
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise CommandError(f"ADMIN_EMAIL is not an e-mail address: {email}") from None


def _bring_lab(team: Team, administrator: Administrator, lab_url: str) -> dict[str, str | None]:
    if not lab_url:
        return {"flowId": None, "environmentId": None}
    environment = ensure_lab_environment(team=team, user=administrator.user, lab_url=lab_url)
    flow = ensure_lab_flows(team=team, user=administrator.user, lab_url=lab_url)
    return {"flowId": str(flow.id) if flow else None, "environmentId": str(environment.id)}


def _summary(team: Team, administrator: Administrator) -> dict[str, str | None]:
    return {
        "teamId": str(team.id),
        "email": administrator.user.email,
        "generatedPassword": administrator.generated_password,
        # A later start does not know the password; this lets it use the API as the administrator for a while.
        "access": str(AccessToken.for_user(administrator.user)),
    }


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _sentence(administrator: Administrator) -> str:
    password = administrator.generated_password
    return f"Administrator: {administrator.user.email}" + (f", password: {password}" if password else "")
