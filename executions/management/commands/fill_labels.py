"""`manage.py fill_labels`: lets runs be found by their labels that a release started which did not write them down."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from executions.models import Execution, ExecutionLabel
from executions.selectors.labels import fill


class Command(BaseCommand):
    """Do again what the migration did, for what was started by old processes after it. Harmless at any time."""

    help = "Writes what the filter by label finds runs by, where it is missing."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Write, and say how many rows."""
        self.stdout.write(f"{fill(Execution.objects, ExecutionLabel.objects)} rows were missing")
