"""Query parameters of the REST API: an unknown one is an error, not a list of everything."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, ClassVar

from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

MOST_PROBLEMS = 20
#: A longer name is no misspelt one, and takes long to compare.
LONGEST_NAME = 80


def check_parameters(request: Request, known: Collection[str]) -> None:
    """Raise ValidationError for every query parameter that is not known; REST framework's `format` always is."""
    usable = [*known, api_settings.URL_FORMAT_OVERRIDE]
    unknown = [name for name in request.query_params if name not in usable]
    if unknown:
        problems = {name: [_problem(name, usable)] for name in unknown[:MOST_PROBLEMS]}
        raise exceptions.ValidationError(problems, "unknown")


def _problem(name: str, known: list[str]) -> str:
    return f"There is no such query parameter{_did_you_mean(name, known)} Known ones: {', '.join(sorted(known))}."


def one_of(value: str, known: Collection[str]) -> str:
    """Return the message about a value that is none of the known ones."""
    return f"Must be one of: {', '.join(known)}{_did_you_mean(value, known)}"


def _did_you_mean(name: str, known: Collection[str]) -> str:
    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(name[:LONGEST_NAME].casefold(), by_folded, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(by_folded[each] for each in near)}?" if near else "."


class KnownParameters(APIView):
    """A view that takes the query parameters in `query_parameters`, and no others."""

    query_parameters: ClassVar[tuple[str, ...]] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check them, after the user is known to be allowed to ask."""
        super().initial(request, *args, **kwargs)
        check_parameters(request, self.query_parameters)
