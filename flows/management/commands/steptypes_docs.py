"""`manage.py steptypes_docs`: writes docs/step-types.md from the registry of step types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from steprunners.documents.documentation import step_types_page


class Command(BaseCommand):
    """Write the page, or with `--check` say whether it is up to date."""

    help = "Writes docs/step-types.md from the registry of step types."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `--check`."""
        parser.add_argument(
            "--check", action="store_true", help="write nothing, fail where the page is out of date"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write or check the page; raise CommandError where it is out of date."""
        path = Path(settings.BASE_DIR) / "docs" / "step-types.md"
        page = step_types_page()
        if not options["check"]:
            path.write_text(page, encoding="utf-8")
            self.stdout.write(f"written: {path}")
        elif not path.exists() or path.read_text(encoding="utf-8") != page:
            raise CommandError("docs/step-types.md is out of date: run manage.py steptypes_docs")
