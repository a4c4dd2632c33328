"""The only writers of resources and environments. Names are unique within the team.

The audit log records which fields were changed, never their values: they may be secret.

Each service locks the team while it reads and writes, as the services of flows do, so that uses and names cannot
change meanwhile. If its object was deleted meanwhile, it raises DoesNotExist.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.audit.log import record
from accounts.models import Team, User
from accounts.transactions import deletion, held, held_whole, retried
from resources.configuration import Invalid, configure
from resources.connection_checks.check import Verdict, check_resource
from resources.connection_checks.places import place_of
from resources.environment_values import read_choices, read_variables
from resources.models import Environment, Resource
from resources.secret_warnings import readable_secrets
from resources.selectors import is_id
from resources.usage import places_using, uses_of
from steprunners.documents.problems import Problem

MOST_PLACES = 10


def _some(places: list[str]) -> str:
    more = f" and {len(places) - MOST_PLACES} places more" if len(places) > MOST_PLACES else ""
    return "; ".join(places[:MOST_PLACES]) + more


class InUse(Exception):
    """The resource cannot be deleted: `places` use it."""

    def __init__(self, places: list[str]) -> None:
        """Keep the places for the answer."""
        super().__init__(f"It is still used by {_some(places)}")
        self.places = places


@retried
def save_resource(
    *, resource: Resource | None = None, team: Team, user: User | None, config: Any = None, **fields: str
) -> Resource:
    """Create a resource, or change the one given: `fields` are name, type, group_name and namespace.

    `config` None keeps the config. Raises Invalid with all problems; a name that steps use cannot change.
    """
    held(team)
    if resource is not None:
        resource = held_whole(resource)
        refuse_rename(resource, fields.get("name", resource.name))
    resource = resource or Resource(team=team, created_by=user)
    changed = _set(resource, fields) + ["config"] * (config is not None)
    if config is not None or resource._state.adding:
        before = None if resource._state.adding else resource.config
        configuration = configure(
            resource.type, {} if config is None else config, readable_secrets(resource), before
        )
        resource.config, resource.secrets = configuration.shown, configuration.secrets or None
        resource.last_check = None
    _save_named(resource, user, changed)
    return resource


def refuse_rename(resource: Resource, name: str) -> None:
    """Raise Invalid if steps use the name that the resource would lose; steps that use its id are no problem."""
    if name == resource.name:
        return
    places = [str(use) for use in uses_of([resource]) if use.by_name]
    if places:
        message = f"flows use the name '{resource.name}': {_some(places)}; change them first"
        raise Invalid([Problem("name", "in_use", message)])


def check_now(*, resource: Resource) -> Verdict:
    """Connect to the resource and store the result for its page; raise TooManyChecks if no place is free."""
    with place_of(resource.team_id):
        record(actor=None, action="resource.check", team=resource.team, target=resource)
        verdict = check_resource(resource)
    kept = {"ok": verdict.ok, "message": verdict.message, "latencyMs": verdict.latency_ms}
    at = round(timezone.now().timestamp() * 1000)
    # Not save(): a check is no change, and what others change meanwhile stays. Of another config it says nothing.
    checked = Resource.objects.filter(pk=resource.pk, updated_at=resource.updated_at)
    checked.update(last_check={**kept, "at": at})
    return verdict


@deletion
def delete_resource(*, resource: Resource) -> None:
    """Delete the resource; raise InUse if a flow or an environment names it."""
    remove_unused(resource=resource)
    _record_deletion(resource)


def remove_unused(*, resource: Resource) -> None:
    """Delete the resource in the transaction of the caller, who records it; raise InUse."""
    held(resource.team)
    found = held_whole(resource)
    places = places_using(found)
    if places:
        raise InUse(places)
    found.delete()


@deletion
def delete_environment(*, environment: Environment) -> None:
    """Delete the environment; executions that picked it stay."""
    held(environment.team)
    held_whole(environment).delete()
    _record_deletion(environment)


@retried
def save_environment(
    *,
    environment: Environment | None = None,
    team: Team,
    user: User | None,
    variables: Any = None,
    resources: Any = None,
    **fields: str,
) -> Environment:
    """Create an environment, or change the one given: `fields` are name and description.

    None for `variables` or `resources` keeps them. Raises Invalid with all problems.
    """
    held(team)
    environment = held_whole(environment) if environment else Environment(team=team, created_by=user)
    changed = _set(environment, fields)
    changed += ["variables"] * (variables is not None) + ["resources"] * (resources is not None)
    if variables is not None:
        values = read_variables(variables, readable_secrets(environment))
        environment.variables, environment.secrets = values.variables, values.secrets or None
    if resources is not None:
        environment.resources = read_choices(resources, team)
    _save_named(environment, user, changed)
    return environment


def _set(thing: Resource | Environment, fields: dict[str, str]) -> list[str]:
    """Set the fields, and return the names of those that change."""
    changed = [name for name, value in fields.items() if getattr(thing, name) != value]
    for name, value in fields.items():
        setattr(thing, name, value)
    return changed


def _record_deletion(thing: Resource | Environment) -> None:
    record(actor=None, action=f"{thing._meta.model_name}.delete", team=thing.team, target=thing)


def _check_name(name: str) -> None:
    """Raise Invalid if flows could not refer to the object by this name."""
    why = None
    if is_id(name):
        why = "a name must not look like an id, since flows use either"
    elif "${" in name:
        why = "a name must not contain ${: flows would read it as a reference"
    if why:
        raise Invalid([Problem("name", "invalid", why)])


def _save_named(thing: Resource | Environment, user: User | None, changed: list[str]) -> None:
    _check_name(thing.name)
    try:
        with transaction.atomic():  # or PostgreSQL would refuse whatever comes after in the same transaction
            verb = "create" if thing._state.adding else "update"
            thing.save()
            record(
                actor=user,
                action=f"{thing._meta.model_name}.{verb}",
                team=thing.team,
                target=thing,
                detail={"fields": changed},
            )
    except IntegrityError as error:
        raise Invalid(
            [Problem("name", "unique", f"the team already has one named '{thing.name}'")]
        ) from error
