"""The only writers of resources and environments. Names are unique within the team."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Team, User
from resources.configuration import Invalid, configure
from resources.environment_values import read_choices, read_variables
from resources.models import Environment, Resource
from resources.selectors import is_id
from resources.usage import places_using
from resources.secret_warnings import readable_secrets
from steprunners.problems import Problem


class InUse(Exception):
    """The resource cannot be deleted: `places` use it."""

    def __init__(self, places: list[str]) -> None:
        """Keep the places for the answer."""
        super().__init__(f"It is still used by {'; '.join(places[:10])}")
        self.places = places


def save_resource(
    *, resource: Resource | None = None, team: Team, user: User | None, config: Any = None, **fields: str
) -> Resource:
    """Create a resource, or change the one given: `fields` are name, type, group_name and namespace.

    `config` of None keeps the config. Raises Invalid with everything that is wrong.
    """
    resource = resource or Resource(team=team, created_by=user)
    for name, value in fields.items():
        setattr(resource, name, value)
    if config is not None or resource._state.adding:
        configuration = configure(resource.type, {} if config is None else config, readable_secrets(resource))
        resource.config, resource.secrets = configuration.shown, configuration.secrets or None
    _save_named(resource)
    return resource


def delete_resource(*, resource: Resource) -> None:
    """Delete the resource; raise InUse where a flow or an environment names it."""
    environments = Environment.objects.filter(team=resource.team_id)
    choosing = [each.name for each in environments if str(resource.pk) in each.resources.values()]
    places = places_using(resource) + [f"environment {name}" for name in choosing]
    if places:
        raise InUse(places)
    resource.delete()


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

    `variables` and `resources` of None stay as they are. Raises Invalid with everything that is wrong.
    """
    environment = environment or Environment(team=team, created_by=user)
    for name, value in fields.items():
        setattr(environment, name, value)
    if variables is not None:
        values = read_variables(variables, readable_secrets(environment))
        environment.variables, environment.secrets = values.variables, values.secrets or None
    if resources is not None:
        environment.resources = read_choices(resources, team)
    _save_named(environment)
    return environment


def _save_named(thing: Resource | Environment) -> None:
    if is_id(thing.name):
        raise Invalid(
            [Problem("name", "invalid", "a name must not look like an id: flows name it by either")]
        )
    try:
        with transaction.atomic():  # or PostgreSQL would refuse whatever comes after in the same transaction
            thing.save()
    except IntegrityError as error:
        raise Invalid(
            [Problem("name", "unique", f"the team has another one named '{thing.name}'")]
        ) from error
