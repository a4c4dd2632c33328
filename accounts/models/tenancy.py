"""The queryset of every model that belongs to a team."""

from __future__ import annotations

from typing import Self, TypeVar

from django.db import models

from accounts.models.teams import Team
from accounts.models.users import AnyUser

ModelT_co = TypeVar("ModelT_co", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[ModelT_co]):
    """Queries of a model with a `team`; pages, API, admin and consumers start from `visible_to`."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the rows of the teams that the user may see."""
        return self.filter(team__in=Team.objects.visible_to(user).values("pk"))
