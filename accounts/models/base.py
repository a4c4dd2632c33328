"""The base of every model of the service: saving a row that was read never inserts one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import DatabaseError, models
from uuid_utils.compat import uuid7


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: ids sort by the time they were made (RFC 9562)."""
    return uuid7()


class ServiceModel(models.Model):
    """A model whose `save()` of a row that was read is an UPDATE, and nothing else.

    Django inserts where its UPDATE finds nothing. So a request that saved a row which another one had just deleted
    would bring the row back, secrets and all. Here `save()` raises DoesNotExist instead, which every door answers
    with 404 (`asynctester.middleware.losing`).
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
        """Insert a new row, or update the one that was read; raise DoesNotExist if that was deleted meanwhile."""
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
            # Django raises exactly this class for an UPDATE that found nothing; errors of a database are subclasses.
            if changes and type(error) is DatabaseError:
                raise type(self).DoesNotExist(f"{self._meta.verbose_name} {self.pk} was deleted") from error
            raise
