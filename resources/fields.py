"""Model fields of our own: JSON kept as exact text, and JSON encrypted at rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from resources.secrets.encryption import decrypt_json, encrypt_json
from steprunners.values.stored_json import dumps, loads

#: What every Fernet token begins with (its version, and times of this century); no JSON object does.
_TOKEN_START = "gAAAAA"  # noqa: S105 - what it looks like, not one


class JSONTextField(models.TextField[Any, Any]):
    """Any JSON value, kept as ASCII JSON text.

    PostgreSQL's jsonb refuses NUL and lone surrogates and forgets key order and number spelling; results of
    tested systems hold all of these. As escaped ASCII text every value comes back exactly as it went in
    (docs/adr/0003). SQL NULL is Python's None, and so is JSON's null.
    """

    _pyi_private_set_type: Any  # what django-stubs reads as the types of the model's attribute
    _pyi_private_get_type: Any
    _pyi_lookup_exact_type: Any

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Any:
        """Parse what the database gave."""
        return None if value is None else loads(value)

    def to_python(self, value: Any) -> Any:
        """Return the value itself: forms and fixtures hand over parsed JSON."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Write the value as text."""
        return to_text(value)

    def get_db_prep_value(
        self,
        value: Any,
        connection: Any,  # noqa: ARG002  # called by keyword
        prepared: bool = False,
    ) -> Any:
        """Write the value as text (lookups hand over text already)."""
        return value if prepared else self.get_prep_value(value)

    def get_lookup(self, lookup_name: str) -> Any:
        """Compare as text: `labels__contains='"smoke"'` finds the element."""
        return models.TextField().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise for fixtures."""
        return dumps(self.value_from_object(obj))

    def formfield(self, **kwargs: Any) -> Any:
        """Edit as JSON."""
        return models.Field.formfield(self, form_class=forms.JSONField, **kwargs)


def to_text(value: Any) -> str | None:
    """Return JSON text in ASCII for a column; None stays SQL NULL. Raises ValueError for NaN and Inf."""
    return None if value is None else dumps(value)


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """What is in the database of an encrypted value: a token, decrypted by whoever asks for the value."""

    token: str


class _Opening(DeferredAttribute):
    """Decrypts when the value is asked for, so that a lost key troubles nobody else who reads the row."""

    field: Any

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = instance.__dict__[self.field.attname] = decrypt_json(value.token)
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedJSONField(models.TextField[Any, Any]):
    """A JSON value that is encrypted in the database; None stays NULL.

    It is decrypted when the attribute is read, which raises SecretsUnreadable where no key fits; a row that is saved
    without having been asked for it keeps its token. `values()` and `dumpdata` give tokens, never secrets.
    """

    descriptor_class = _Opening
    _pyi_private_set_type: Any  # what django-stubs reads as the types of the model's attribute
    _pyi_private_get_type: Any
    _pyi_lookup_exact_type: Any

    def from_db_value(self, value: str | None, _expression: Any, _connection: Any) -> Sealed | None:
        """Leave it sealed."""
        return None if value is None else Sealed(value)

    def to_python(self, value: Any) -> Any:
        """Return the value itself; a fixture's token is sealed."""
        return Sealed(value) if isinstance(value, str) and value.startswith(_TOKEN_START) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # noqa: ARG002  # called by keyword
        """Return what the instance holds, without decrypting it."""
        return model_instance.__dict__[self.attname]

    def get_prep_value(self, value: Any) -> str | None:
        """Encrypt; a sealed value stays as it is."""
        if isinstance(value, Sealed):
            return value.token
        return None if value is None else encrypt_json(value)

    def value_from_object(self, obj: models.Model) -> Sealed | None:
        """Return the value for serialisers: sealed."""
        token = self.get_prep_value(obj.__dict__[self.attname])
        return None if token is None else Sealed(token)

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise for fixtures: the token."""
        sealed = self.value_from_object(obj)
        return sealed.token if sealed else ""
