"""The secret texts of an execution, kept in its row: one growing set for it, its children and all of their steps.

`Execution.secrets` is `{"variables": {name: value}, "more": [text], "concurrent": true}`, encrypted. `more` is what was
found besides the secret variables: secrets of connections, access tokens, extracts, cookies, what functions made of
secrets, and all of the run whose results it takes over. A child has its secret variables alone; what it finds goes
into the row of its root, so that its callers mask it as well. `concurrent` says that steps run beside each other there:
these look for each other's secrets.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction

from executions.models import Execution
from steprunners.errors import StepError
from steprunners.masking.known_secrets import KnownSecrets
from steprunners.masking.masker import texts_of
from steprunners.masking.spellings import LONGEST

#: The limits of all secrets of an execution together: everything that is stored is searched for each of them.
MOST_CHARACTERS = 64 * 1024
MOST_TEXTS = 2_000
TOO_MANY = "too_many_secrets"
TOO_MANY_MESSAGE = (
    f"an execution may have at most {MOST_TEXTS} secrets, of {MOST_CHARACTERS} characters in total"
)


def are_too_many(texts: Collection[str]) -> bool:
    """Return whether these exceed the limits; only the first `spellings.LONGEST` characters of each count."""
    return len(texts) > MOST_TEXTS or sum(min(len(text), LONGEST) for text in texts) > MOST_CHARACTERS


def stored_texts(secrets: dict[str, Any] | None) -> list[str]:
    """Return the texts in the column of an execution, in the order in which they were found."""
    if not secrets:
        return []
    return texts_of([*secrets.get("variables", {}).values(), *secrets.get("more", [])])


def texts_of_run(execution: Execution) -> list[str]:
    """Return every secret text of the execution, including those of its root."""
    root = execution.root if execution.root_id is not None else None
    return [*stored_texts(root.secrets if root else None), *stored_texts(execution.secrets)]


class ExecutionSecrets(KnownSecrets):
    """The secrets of an execution; `save` stores those that were added for all of its steps."""

    def __init__(self, execution: Execution) -> None:
        """Read the secrets of the claimed execution and of its root. Raises SecretsUnreadable."""
        super().__init__(stored_texts(execution.secrets))
        self._owner: uuid.UUID = execution.root_id or execution.pk
        self._unsaved: set[str] = set()
        self._concurrent = bool((execution.secrets or {}).get("concurrent"))
        if execution.root_id is not None:
            self._read()

    def add(self, texts: Iterable[str]) -> set[str]:
        """Add texts; returns the new ones. Raises StepError (`too_many_secrets`) beyond the limits."""
        wanted = set(texts).difference(self.texts)
        if wanted and are_too_many({*self.texts, *wanted}):
            raise StepError(TOO_MANY_MESSAGE, code=TOO_MANY)
        new = super().add(wanted)
        self._unsaved |= new
        return new

    def save(self) -> None:
        """Store the texts that were added."""
        if not self._unsaved:
            return
        add_to(self._owner, self._unsaved)
        self._unsaved = set()

    def complete(self) -> None:
        """Store the texts that were added, and read those of steps that run beside this one. Call it before masking."""
        self.save()
        if self._concurrent:
            self._read()

    def _read(self) -> None:
        found = Execution.objects.filter(pk=self._owner).only("id", "secrets").first()
        if found is None:  # it was deleted meanwhile, and with it everything that would be stored
            return
        secrets = found.secrets or {}
        self._concurrent = self._concurrent or bool(secrets.get("concurrent"))
        super().add(stored_texts(secrets))


def add_to(execution_id: uuid.UUID, texts: Iterable[str], *, concurrent: bool = False) -> None:
    """Store the texts with the secrets of the execution."""
    with transaction.atomic():
        rows = Execution.objects.select_for_update(no_key=True).only("id", "secrets")
        execution = rows.filter(pk=execution_id).first()
        if execution is None:
            return
        secrets = dict(execution.secrets or {})
        more = secrets.get("more", [])
        new = sorted(set(texts) - set(more))
        becomes_concurrent = concurrent and not secrets.get("concurrent")
        if not new and not becomes_concurrent:
            return
        secrets |= {"more": [*more, *new], **({"concurrent": True} if becomes_concurrent else {})}
        Execution.objects.filter(pk=execution_id).update(secrets=secrets)
