"""Who uses resources: the apps above register a function that finds out, since imports point down."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from resources.models import Environment, Resource


@dataclass(frozen=True, slots=True)
class Use:
    """A place that uses a resource: its name, the steps there, its page; and whether it says the resource's name."""

    resource_id: UUID
    name: str
    url: str
    steps: tuple[str, ...] = ()
    by_name: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {', '.join(self.steps)}" if self.steps else self.name


#: Finds the uses of all these resources at once.
Finder = Callable[[Sequence[Resource]], Iterable[Use]]

_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Ask `finder` where resources are used."""
    _finders.append(finder)


def uses_of(resources: Sequence[Resource]) -> list[Use]:
    """Return every use of these resources, by flows and by environments."""
    return [*(use for finder in _finders for use in finder(resources)), *_choices_of(resources)]


def places_using(resource: Resource) -> list[str]:
    """Return a sentence part for every place that uses the resource."""
    return [str(use) for use in uses_of([resource])]


def _choices_of(resources: Sequence[Resource]) -> Iterable[Use]:
    ids = {str(each.pk): each.pk for each in resources}
    environments = Environment.objects.filter(team__in={each.team_id for each in resources}).defer("secrets")
    for environment in environments:
        url = reverse("environment", args=[environment.pk])
        for chosen in ids.keys() & set(environment.resources.values()):
            yield Use(ids[chosen], f"environment {environment.name}", url)
