"""`manage.py bootstrap`: bring the database up to date and make an empty installation usable."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import OperationalError

from accounts.models import Team, User
from accounts.sign_in.sessions import access_token
from asynctester.bootstrap import Administrator, ensure_administrator, ensure_demo_team
from asynctester.demo.flows import ensure_lab_environment, ensure_lab_flows
from asynctester.demo.resources import ensure_lab_resources
from resources.configuration import Invalid

#: The options --lab-… and the resources that they make.
SYSTEMS = {
    "sql": "shop-db",
    "kafka": "shop-kafka",
    "redis": "shop-cache",
    "loki": "shop-logs",
    "prometheus": "shop-metrics",
}


class Command(BaseCommand):
    """Migrates; makes the administrator (ADMIN_EMAIL, ADMIN_PASSWORD), the demo team and the lab's flows."""

    help = "Migrate the database, make the administrator and the demo team. May run again at any time."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the lab's address and the file for programs."""
        parser.add_argument("--lab-url", default="", help="where the demo shop listens; brings its flows")
        for name, resource in SYSTEMS.items():
            parser.add_argument(
                f"--lab-{name}", default="", help=f"the shop's, becomes the resource {resource}"
            )
        parser.add_argument(
            "--json", type=Path, help="write what was made, with an access token, to this file"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it, and say who the administrator is."""
        email = os.environ.get("ADMIN_EMAIL", "").strip()
        _check_email(email)
        _migrate()
        administrator = ensure_administrator(email=email, password=os.environ.get("ADMIN_PASSWORD", ""))
        team = ensure_demo_team(owner=administrator.user)
        lab = _bring_lab(team, administrator.user, options)
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


def _bring_lab(team: Team, user: User, options: Mapping[str, Any]) -> dict[str, str | None]:
    lab_url = options["lab_url"]
    if not lab_url:
        return {"flowId": None, "environmentId": None}
    addresses = {resource: options[f"lab_{name}"] for name, resource in SYSTEMS.items()}
    try:
        resources = ensure_lab_resources(team=team, user=user, addresses=addresses)
    except ValidationError as problem:
        raise CommandError("; ".join(problem.messages)) from problem
    except Invalid as problem:
        raise CommandError(f"--lab-…: {problem}") from problem
    environment = ensure_lab_environment(team=team, user=user, lab_url=lab_url)
    flow = ensure_lab_flows(team=team, user=user, lab_url=lab_url, resources=resources)
    return {"flowId": str(flow.id) if flow else None, "environmentId": str(environment.id)}


def _summary(team: Team, administrator: Administrator) -> dict[str, str | None]:
    return {
        "teamId": str(team.id),
        "email": administrator.user.email,
        "generatedPassword": administrator.generated_password,
        # A later start does not know the password; this lets it use the API as the administrator for a while.
        "access": access_token(user=administrator.user),
    }


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def _sentence(administrator: Administrator) -> str:
    password = administrator.generated_password
    return f"Administrator: {administrator.user.email}" + (f", password: {password}" if password else "")
