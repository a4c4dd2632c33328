"""Who uses resources: the apps above register how to find it, since imports point down."""

from __future__ import annotations

from collections.abc import Callable

from resources.models import Resource

Finder = Callable[[Resource], list[str]]

_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Ask `finder` where a resource is used; it answers with places in words."""
    _finders.append(finder)


def places_using(resource: Resource) -> list[str]:
    """Return every place that uses the resource, in words."""
    return [place for finder in _finders for place in finder(resource)]
