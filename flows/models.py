"""Flows and their versions."""

from __future__ import annotations

from typing import Self

from django.db import models

from accounts.models import AnyUser, ServiceModel, Team, TenantQuerySet, User, new_id
from resources.fields import EncryptedJSONField, JSONTextField


class FlowQuerySet(TenantQuerySet["Flow"]):
    """Queries that leave deleted flows out."""

    def alive(self) -> Self:
        """Return the flows that are not deleted."""
        return self.filter(deleted_at=None)


class Flow(ServiceModel):
    """A blueprint; its name, description and labels are those of its newest version."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="flows")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    labels = JSONTextField(default=list)
    version = models.PositiveIntegerField(default=0, help_text="Number of the newest version.")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = FlowQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at",)
        indexes = [
            models.Index(fields=["team", "-updated_at"], name="flow_by_team"),
            models.Index(fields=["created_by"], name="flow_by_creator"),
        ]

    def __str__(self) -> str:
        return self.name


class FlowVersionQuerySet(models.QuerySet["FlowVersion"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the versions of the flows that the user may see."""
        return self.filter(flow__team__in=Team.objects.visible_to(user).values("pk"))


class FlowVersion(ServiceModel):
    """One saved state of a flow; it never changes.

    `document` is the canonical flow document (contract, section 2); the defaults of secret variables are
    masked in it and kept in `secrets` (`{variable: default}`). `source` is the YAML that it was written as, where it
    was, with those masked too.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = JSONTextField()
    secrets = EncryptedJSONField(null=True, blank=True, editable=False)
    source = models.TextField(blank=True, default="", editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FlowVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="flow_version_once")]

    def __str__(self) -> str:
        return f"{self.flow} v{self.number}"
