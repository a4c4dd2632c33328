"""Periodic work that one of all workers does: which worker does it, and when it is due again."""

from __future__ import annotations

from django.db import models

from accounts.models import ServiceModel


class Chore(ServiceModel):
    """One row a chore. The worker that moves `held_until` from the past to the future does it: see `worker.chores`."""

    name = models.CharField(max_length=40, primary_key=True)
    due_at = models.DateTimeField(help_text="Not before this.")
    holder = models.CharField(max_length=100, blank=True, default="")
    held_until = models.DateTimeField(help_text="A holder that was lost is replaced after this.")
    done_at = models.DateTimeField(null=True, blank=True, help_text="When it was last done to its end.")
    did = models.JSONField(default=dict, help_text="How many rows it removed then, by their kind.")

    def __str__(self) -> str:
        return self.name
