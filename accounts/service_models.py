"""What every model of the service starts from: a change of a row never makes a row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import DatabaseError, models


class ServiceModel(models.Model):
    """A model whose `save()` of a row that was read is an UPDATE, and nothing else.

    Django's own inserts where its UPDATE finds nothing: whoever saved what somebody else had just deleted brought it
    back, secrets and all. Here that raises DoesNotExist, which every door answers with 404 (`losing`).
    """

    class Meta:
        abstract = True

    def save(
        self,
        *args: Any,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Add a new row, or change the one that was read; raises DoesNotExist where that was deleted meanwhile."""
        changes = not (self._state.adding or force_insert)
        try:
            super().save(
                *args,
                force_insert=force_insert,
                force_update=force_update or (changes and update_fields is None),
                using=using,
                update_fields=update_fields,
            )
        except DatabaseError as error:
            # Django's own, for an UPDATE that found nothing; what a database says has a class below it.
            if changes and type(error) is DatabaseError:
                raise type(self).DoesNotExist(f"{self._meta.verbose_name} {self.pk} was deleted") from error
            raise
