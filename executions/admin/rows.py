"""Parts of the admin of executions: read-only rows of the user's teams, links, formatted JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html

from accounts.admin.scope import ReadOnlyAdmin, is_superuser
from accounts.models import Team
from steprunners.values.json_text import ExactEncoder

MOST_ROWS = 10_000  # shown in a list; older rows are found with filters
LONGEST_JSON = 20_000  # characters shown of one value

ModelT = TypeVar("ModelT", bound=Model)


def pretty(value: Any) -> str:
    """Return indented JSON, cut at LONGEST_JSON."""
    if value is None:
        return "-"
    text = (
        json.dumps(value, cls=ExactEncoder, indent=2, ensure_ascii=False)
        .encode(errors="backslashreplace")
        .decode()
    )
    if len(text) > LONGEST_JSON:
        text = f"{text[:LONGEST_JSON]}\n… cut here; {len(text)} characters in total"
    return format_html("<pre>{}</pre>", text)


def json_column(name: str) -> Callable[[Any, Model], str]:
    """Return a read-only column that shows a JSON field for reading."""

    @admin.display(description=name.replace("_", " "))
    def column(_self: Any, row: Model) -> str:
        return pretty(getattr(row, name))

    return column


def link(row: Model | None, text: Any = None) -> str:
    """Return a link to a row's page in the admin; plain text where it has none."""
    if row is None:
        return "-"
    shown = str(row if text is None else text)
    try:
        address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return shown
    return format_html('<a href="{}">{}</a>', address, shown)


def list_link(model: type[Model], text: str, **filters: Any) -> str:
    """Return a link to a list in the admin, filtered."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist", query=filters)
    return format_html('<a href="{}">{}</a>', address, text)


class CappedPaginator(Paginator[Any]):
    """Pages of the first MOST_ROWS rows: counting or skipping a million takes seconds."""

    @cached_property
    def count(self) -> int:
        """The number of rows, MOST_ROWS at most."""
        rows: Any = self.object_list  # the admin hands over querysets
        return int(rows[:MOST_ROWS].count())


class RowsAdmin(ReadOnlyAdmin[ModelT]):
    """Shows rows of the user's teams; `team_path` leads to the team where the model has none itself."""

    team_path = ""
    list_per_page = 50
    show_full_result_count = False  # counts the whole table
    paginator = CappedPaginator
    list_deferred: tuple[str, ...] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelT]:
        """Return all rows for a superuser, those of their teams for others."""
        rows: QuerySet[ModelT] = super().get_queryset(request)
        if is_superuser(request) or not self.team_path:
            return rows
        return rows.filter(**{f"{self.team_path}__in": Team.objects.visible_to(request.user).values("pk")})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Leave large columns in the database: a list shows none of them."""
        changelist = super().get_changelist_instance(request)
        changelist.result_list = changelist.result_list.defer(*self.list_deferred)
        return changelist
