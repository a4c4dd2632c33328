"""What the pages that list something share: a search text, pages of rows, and for htmx the part that changes."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

PAGE_SIZE = 50
LONGEST_SEARCH = 200


def asked_for(request: HttpRequest, name: str = "search") -> str:
    """Return what the field of the page's form looks for."""
    return request.GET.get(name, "").strip()[:LONGEST_SEARCH]


def page_of(request: HttpRequest, rows: QuerySet[Any]) -> Page[Any]:
    """Return the page that `page` in the address names; the first or the last where it makes no sense."""
    return Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))


def render_list(request: HttpRequest, folder: str, context: dict[str, Any]) -> HttpResponse:
    """Answer with the folder's `list.html`, or for htmx with its `list_part.html`, which changes with the search."""
    part = request.headers.get("HX-Request") == "true"
    return render(request, f"{folder}/list_part.html" if part else f"{folder}/list.html", context)
