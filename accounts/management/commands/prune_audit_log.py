"""`manage.py prune_audit_log`: forgets what is older than AUDIT_RETENTION_DAYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from accounts.audit.log import prune


class Command(BaseCommand):
    """Delete old events, in small portions beside a running service."""

    help = "Deletes events of the audit log that are older than AUDIT_RETENTION_DAYS (at least 30 days)."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Delete, and say how many."""
        self.stdout.write(f"deleted: {prune()} events")
