"""`manage.py purge_executions`: removes what teams keep no longer, now."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Team
from executions.retention.purge import old_executions, old_results
from executions.worker.housekeeping import keep_house


class Command(BaseCommand):
    """Do now what the workers do about once an hour, in the same small portions, without their rests."""

    help = "Removes executions and results that are older than their team keeps them, and what accounts leave behind."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --dry-run."""
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be removed.")

    def handle(self, *args: Any, dry_run: bool = False, **options: Any) -> None:
        """Remove, and say how many of each kind."""
        if dry_run:
            self._tell()
            return
        did = keep_house(stop=threading.Event(), even_early=True, rest=0)
        if did is None:
            raise CommandError("A worker is at it already (or was lost at it less than a minute ago).")
        for kind, count in did.items():
            self.stdout.write(f"{kind}: {count}")

    def _tell(self) -> None:
        for team in Team.objects.select_related("organisation").order_by("organisation__name", "name"):
            gone, bare = old_executions(team).count(), old_results(team).count()
            self.stdout.write(f"{team}: {gone} executions are too old, the results of {bare}")
