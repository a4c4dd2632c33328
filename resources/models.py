"""Named connections and environments."""

from __future__ import annotations

from django.db import models

from accounts.models import ServiceModel, Team, TenantQuerySet, User, new_id
from resources.fields import EncryptedJSONField, JSONTextField
from resources.limits.models import OrganisationLimits  # noqa: F401 - Django looks for models here


class Resource(ServiceModel):
    """A named connection: `type` names its connection class in the step registry.

    `config` holds the plain fields, `secrets` the secret ones (write-only, encrypted at rest). `last_check` is what
    came of the last check of this config: `{ok, message, latencyMs, at}`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="resources")
    name = models.CharField(max_length=150)
    type = models.CharField(max_length=40)
    group_name = models.CharField(max_length=150, blank=True, default="")
    namespace = models.CharField(max_length=150, blank=True, default="")
    config = JSONTextField(default=dict)
    secrets = EncryptedJSONField(null=True, blank=True, editable=False)
    last_check = JSONTextField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="resource_name_once_a_team")]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"


class Environment(ServiceModel):
    """A named set of variables and resource choices that a run can pick.

    `variables`: `[{name, value, type?, secret?}]`, values of secret ones are null here and live in `secrets`
    (`{name: value}`). `resources`: `{name used in flows: id of the resource to use instead}`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="environments")
    name = models.CharField(max_length=150)
    description = models.TextField(blank=True, default="")
    variables = JSONTextField(default=list)
    secrets = EncryptedJSONField(null=True, blank=True, editable=False)
    resources = JSONTextField(default=dict)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="environment_name_once_a_team")]

    def __str__(self) -> str:
        return self.name
