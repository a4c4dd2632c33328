"""Model fields of our own: JSON kept as exact text, and JSON encrypted at rest."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.db import models

from resources.secrets import decrypt_json, encrypt_json


class JSONTextField(models.TextField[Any, Any]):
    """Any JSON value, kept as ASCII JSON text.

    PostgreSQL's jsonb refuses NUL and lone surrogates and forgets key order and number spelling; results of
    tested systems hold all of these. As escaped ASCII text every value comes back exactly as it went in
    (docs/adr/0003). SQL NULL is Python's None, and so is JSON's null.
    """

    _pyi_private_set_type: Any  # what django-stubs reads as the types of the model's attribute
    _pyi_private_get_type: Any
    _pyi_lookup_exact_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Parse what the database gave."""
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        """Return the value itself: forms and fixtures hand over parsed JSON."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Write the value as text."""
        return to_text(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Write the value as text (lookups hand over text already)."""
        return value if prepared else self.get_prep_value(value)

    def get_lookup(self, lookup_name: str) -> Any:
        """Compare as text: `labels__contains='"smoke"'` finds the element."""
        return models.TextField().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise for fixtures."""
        return json.dumps(self.value_from_object(obj))

    def formfield(self, **kwargs: Any) -> Any:
        """Edit as JSON."""
        return models.Field.formfield(self, form_class=forms.JSONField, **kwargs)


def to_text(value: Any) -> str | None:
    """Return JSON text in ASCII for a column; None stays SQL NULL. Raises ValueError for NaN and Inf."""
    return None if value is None else json.dumps(value, allow_nan=False, separators=(", ", ": "))


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON value that is encrypted in the database; None stays NULL."""

    _pyi_private_set_type: Any  # what django-stubs reads as the types of the model's attribute
    _pyi_private_get_type: Any
    _pyi_lookup_exact_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """Decrypt; raise SecretsUnreadable where no key fits."""
        return None if value is None else decrypt_json(value)

    def to_python(self, value: Any) -> Any:
        """Return the value itself."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Encrypt."""
        return None if value is None else encrypt_json(value)
