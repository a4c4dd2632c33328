"""What the admin sites of all apps start from: superusers see everything, other staff what is visible to them.

What is changed by the admin's own forms is in the audit log as what it is plus `.create`, `.update` or `.delete`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.audit import record
from accounts.models import Organisation, Team

ModelT = TypeVar("ModelT", bound=Model)


class _Scope:
    """Narrows an admin to what `objects.visible_to(user)` gives; what may be changed Django's permissions say."""

    model: type[Any]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows that the user may see."""
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]  # mixed into admins only
        return visible(rows, request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let all staff look at what they see."""
        return _is_staff(request)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show the app to all staff."""
        return _is_staff(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer, and accept, only what the user may see."""
        kwargs.setdefault("queryset", visible(db_field.remote_field.model._default_manager.all(), request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]  # as above


class ScopedAdmin(_Scope, admin.ModelAdmin[ModelT]):
    """The admin of a model whose manager has `visible_to`."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note in the audit log too that a row was added."""
        _note(request, "create", [obj], message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Note in the audit log too that a row was changed, and which of its fields."""
        _note(request, "update", [obj], message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Note in the audit log too that rows are deleted."""
        _note(request, "delete", queryset, None)
        return super().log_deletions(request, queryset)


class ScopedInline(_Scope, admin.TabularInline[Any, Any]):
    """Rows below such a model: they are as visible as it is."""

    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all rows: the parent was checked."""
        return admin.TabularInline.get_queryset(self, request)


def visible(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return those of `rows` that the user may see; models without `visible_to` are not tenants' own."""
    manager: Any = rows.model._default_manager
    if is_superuser(request) or not hasattr(manager, "visible_to"):
        return rows
    return rows.filter(pk__in=manager.visible_to(request.user).values("pk"))


def is_superuser(request: HttpRequest) -> bool:
    """Return whether an administrator of the installation asks."""
    return request.user.is_active and request.user.is_superuser


def _note(request: HttpRequest, verb: str, rows: Iterable[Any], message: Any) -> None:
    for row in rows:
        organisation = row if isinstance(row, Organisation) else None
        team = row if isinstance(row, Team) else getattr(row, "team", None)
        record(
            actor=request.user,
            action=f"{row._meta.model_name}.{verb}",
            team=team,
            organisation=organisation,
            target=row,
            detail={"changes": message} if message else None,
            request=request,
        )


def _is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff
