"""`manage.py purge_executions`: removes old executions and results now."""

from __future__ import annotations

import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Team
from executions.retention.purge import old_executions, old_results
from executions.worker.housekeeping import keep_house


class Command(BaseCommand):
    """Do now what the workers do about once an hour, in the same small batches, without rests."""

    help = "Removes executions and results that are older than their team keeps them, and expired sessions and tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --dry-run."""
        parser.add_argument("--dry-run", action="store_true", help="Only print what would be removed.")

    def handle(self, *_args: Any, dry_run: bool = False, **_options: Any) -> None:
        """Remove the data, and print how many rows of each kind."""
        if dry_run:
            self._print_counts()
            return
        did = keep_house(stop=threading.Event(), even_early=True, rest=0)
        if did is None:
            raise CommandError(
                "A worker does this already, or was lost while it did, less than a minute ago."
            )
        for kind, count in did.items():
            self.stdout.write(f"{kind}: {count}")

    def _print_counts(self) -> None:
        for team in Team.objects.select_related("organisation").order_by("organisation__name", "name"):
            gone, bare = old_executions(team).count(), old_results(team).count()
            self.stdout.write(f"{team}: {gone} executions to remove, results to remove from {bare}")
