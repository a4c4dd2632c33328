"""Adds the secrets of a result to the known secrets of the execution, before anything of it is stored or shown."""

from __future__ import annotations

from contextlib import suppress

from steprunners.budgets.step_errors import as_step_work
from steprunners.documents.envelope import StepEnvelope
from steprunners.json_types import Json
from steprunners.lifecycle.work import Work
from steprunners.masking.credentials import credentials_of, shown_beside
from steprunners.masking.masker import texts_of
from steprunners.values.paths import PathError, read_result


def learn(work: Work, result: dict[str, Json] | None, shown: dict[str, Json] | None = None) -> Json:
    """Add the secrets of the result to the known secrets; return how it is shown, None where it is shown unchanged."""
    if result is None:
        return None
    work.known_secrets.add(_secrets_in(work.step, result))
    return learn_credentials(work, result, shown)


def learn_credentials(work: Work, value: Json, shown: Json = None) -> Json:
    """Add the credentials in `value` to the known secrets; return it with them masked, None where it has none."""
    masked = shown_beside(value if shown is None else shown)
    if masked is value:
        return None
    work.known_secrets.add(credentials_of(value))
    return masked


@as_step_work
def _secrets_in(step: StepEnvelope, result: Json) -> set[str]:
    """Return the texts at the paths of secret extracts: they are secret however the attempt ended."""
    found: set[str] = set()
    for extraction in step.extract.values():
        if extraction.secret:
            with suppress(PathError):  # there is no value at the path
                found.update(texts_of(read_result(result, extraction.path)))
    return found
