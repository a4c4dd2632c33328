"""`manage.py fill_labels`: makes runs of older releases, which wrote no label rows, findable by label."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from executions.models import Execution, ExecutionLabel
from executions.selectors.labels import fill


class Command(BaseCommand):
    """Repeat what the migration did, for runs that old processes started after it. Harmless at any time."""

    help = "Writes the missing label rows, by which the label filter finds runs."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write the rows, and print how many."""
        self.stdout.write(f"{fill(Execution.objects, ExecutionLabel.objects)} rows were missing")
