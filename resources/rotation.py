"""Re-encrypting every stored secret with the newest key, in small writes beside a service that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.db import models
from django.db.models import F, Value
from django.db.models.functions import Cast

from resources.fields import EncryptedJSONField
from resources.secrets.encryption import cipher_of, current_keys

#: Rows read at a time: each may hold a megabyte.
BATCH = 20
#: What a running service wrote with an older key while a pass went on is found by the next one.
MOST_PASSES = 5

Column = tuple[type[models.Model], EncryptedJSONField]


@dataclass
class Tally:
    """How many values of a column are under the newest key, under an older one, and under none that is known."""

    newest: int = 0
    older: int = 0
    unreadable: list[str] = field(default_factory=list)


def encrypted_columns() -> Iterator[Column]:
    """Yield every encrypted column of the installation."""
    for model in apps.get_models():
        for each in model._meta.local_concrete_fields:
            if isinstance(each, EncryptedJSONField):
                yield model, each


def name_of(column: Column) -> str:
    """Return the column's name for people: `resources.Resource.secrets`."""
    return f"{column[0]._meta.label}.{column[1].name}"


def survey(*, told: Callable[[str, Tally], None] = lambda _name, _tally: None) -> dict[str, Tally]:
    """Return the state of every column; `told` is called with each when it is done."""
    return _each_column(lambda _column, _pk, _token: None, told)


def reencrypt(*, told: Callable[[str, Tally], None] = lambda _name, _tally: None) -> dict[str, Tally]:
    """Re-encrypt everything that is under an older key with the newest; return the state of the columns before.

    Every value is a write of its own, which succeeds only if the value is still the one that was read, so a running
    service is neither blocked nor overwritten. An interrupted pass can simply be run again.
    """
    return _each_column(_write_anew, told)


def _each_column(
    use: Callable[[Column, Any, str], None], told: Callable[[str, Tally], None]
) -> dict[str, Tally]:
    tallies = {}
    for column in encrypted_columns():
        tally = tallies[name_of(column)] = Tally()
        for pk, token in _tokens(column):
            if is_newest(token):
                tally.newest += 1
            elif _is_readable(token):
                tally.older += 1
                use(column, pk, token)
            else:
                tally.unreadable.append(str(pk))
        told(name_of(column), tally)
    return tallies


def _tokens(column: Column) -> Iterator[tuple[Any, str]]:
    """Yield every value's key and token, by key, a few at a time."""
    rows = _sealed(column).filter(**{f"{column[1].name}__isnull": False}).order_by("pk")
    batch = list(rows.values_list("pk", "sealed")[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0]).values_list("pk", "sealed")[:BATCH])


def _sealed(column: Column) -> models.QuerySet[Any]:
    """Return the rows with their token, as it stands in the database, as `sealed`."""
    token = Cast(F(column[1].name), models.TextField())
    return column[0]._base_manager.annotate(sealed=token)


def is_newest(token: str) -> bool:
    """Return whether the token was written with the newest key."""
    return _opens(Fernet(current_keys()[0]), token)


def _is_readable(token: str) -> bool:
    return _opens(cipher_of(current_keys()), token)


def _opens(cipher: Any, token: str) -> bool:
    try:
        cipher.decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _write_anew(column: Column, pk: Any, token: str) -> None:
    fresh = cipher_of(current_keys()).rotate(token.encode()).decode()
    unchanged = _sealed(column).filter(pk=pk, sealed=token)
    unchanged.update(**{column[1].name: Value(fresh, output_field=models.TextField())})


def finish() -> dict[str, Tally]:
    """Re-encrypt until a pass finds nothing under an older key; returns what the last pass found."""
    for _ in range(MOST_PASSES):
        tallies = reencrypt()
        if not any(tally.older for tally in tallies.values()):
            break
    return tallies
