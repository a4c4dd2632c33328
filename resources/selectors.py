"""Reading resources: by what a step calls them, and as the connection that its runner takes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db.models import Q

from accounts.models import Team
from resources.models import Resource
from resources.secrets.encryption import SecretsUnreadable
from resources.secrets.entries import is_entry, together
from steprunners.config import ConnectionConfig
from steprunners.masking.credentials import credentials_in
from steprunners.registry import connection_classes

#: Parts of a secret object (`auth`) that say how to sign in, not with what.
NOT_SECRET = frozenset({"type", "username", "tokenUrl", "clientId", "scope"})


def find_resource(
    team: Team, named: str, resource_type: str, choices: Mapping[str, Any] | None = None
) -> Resource | None:
    """Return the team's resource of the type with this id or name; `choices` (an environment's) replace names."""
    named = str((choices or {}).get(named, named))
    if "\x00" in named:  # no name holds it, and PostgreSQL refuses to look for it
        return None
    wanted = Q(name=named)
    if is_id(named):
        wanted |= Q(pk=named)
    return Resource.objects.filter(wanted, team=team, type=resource_type).first()


def secrets_of_named(
    team: Team, named: Collection[tuple[str, str]], choices: Mapping[str, Any] | None = None
) -> list[str]:
    """Return the secret texts of the team's resources with these types and ids or names, as `find_resource` finds them.

    What cannot be read with the keys at hand is left out: the step that needs it says so.
    """
    wanted = {(kind, str((choices or {}).get(name, name))) for kind, name in named}
    names = {name for _, name in wanted if "\x00" not in name}
    if not names:
        return []
    found = Resource.objects.filter(Q(name__in=names) | Q(pk__in=filter(is_id, names)), team=team)
    texts: list[str] = []
    for resource in found.order_by("pk"):
        if {(resource.type, resource.name), (resource.type, str(resource.pk))} & wanted:
            with suppress(SecretsUnreadable):
                texts += secret_values(resource)
    return texts


def connection_of(resource: Resource) -> ConnectionConfig:
    """Return the resource's connection with its secrets; raise SecretsUnreadable where their key is lost."""
    values = together(resource.config, resource.secrets or {})
    return connection_classes()[resource.type].model_validate(values)


def secret_values(resource: Resource) -> list[str]:
    """Return the texts of the resource's secret fields, and what is secret inside of them, for masking."""
    secrets = resource.secrets or {}
    texts = {text for value in secrets.values() for text in secret_texts(value)}
    headers = [value for name, value in secrets.items() if is_entry(name) and isinstance(value, str)]
    return sorted(texts | {part for value in headers for part in credentials_in(value) if part})


def secret_texts(value: Any) -> Iterator[str]:
    """Yield the texts in a secret value that are not to be shown: of `auth`, not what says how to sign in."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from secret_texts(child) if key not in NOT_SECRET else ()
    elif isinstance(value, list):
        for child in value:
            yield from secret_texts(child)
    elif value not in (None, "") and not isinstance(value, bool):
        yield str(value)


def is_id(text: str) -> bool:
    """Whether the text has the form of an id."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
