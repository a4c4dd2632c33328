"""The base of the admin sites of all apps: superusers see everything, other staff what is visible to them.

A change by one of the admin's own forms is recorded in the audit log under the model's name plus `.create`, `.update`
or `.delete`. A form writes only the fields that it changed. A row is locked before it is deleted, so that it is
deleted once, with one event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from accounts.audit.log import record
from accounts.models import Organisation, Team
from accounts.transactions import deletion

#: Django's own action.
DELETE_SELECTED = "delete_selected"

ModelT = TypeVar("ModelT", bound=Model)


class _Scope:
    """Narrows an admin to `objects.visible_to(user)`; Django's permissions say what may be changed."""

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

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save what the form changed: what others change at the same time stays."""
        if change:
            obj.save(update_fields=_changed_columns(obj, form.changed_data))
        else:
            super().save_model(request, obj, form, change)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Delete in one transaction that locks the row: nothing can be added below it after Django has looked."""
        view = partial(super().delete_view, request, object_id, extra_context)
        return self._holding([object_id], view) if request.method == "POST" else view()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Delete the chosen rows as one is deleted."""
        view = partial(super().changelist_view, request, extra_context)
        if request.POST.get("action") != DELETE_SELECTED or "post" not in request.POST:
            return view()
        return self._holding(request.POST.getlist(ACTION_CHECKBOX_NAME), view)

    def _holding(self, keys: Iterable[str], view: Callable[[], HttpResponse]) -> HttpResponse:
        """Let the view delete these rows; it gives way to workers, and starts again.

        Raises DoesNotExist if all of them were deleted while the page was open.
        """

        @deletion
        def delete() -> HttpResponse:
            found = self.model._default_manager.filter(pk__in=[_key(self, each) for each in keys])
            if not list(found.select_for_update().order_by("pk").values_list("pk")):
                raise self.model.DoesNotExist
            return view()

        return delete()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete the row."""
        self.remove(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete the rows one by one, as their services do."""
        for row in list(queryset.order_by("pk")):
            self.remove(row)

    def remove(self, row: Any) -> None:
        """Delete the row with what belongs to it."""
        row.delete()

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


class ReadOnlyAdmin(ScopedAdmin[ModelT]):
    """The admin of rows that only services write: to look at."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds rows in the admin."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes rows in the admin."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes rows in the admin."""
        return False


class ScopedInline(_Scope, admin.TabularInline[Any, Any]):
    """Rows below such a model: they are as visible as it is."""

    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return all rows: the parent was checked."""
        return admin.TabularInline.get_queryset(self, request)


def _changed_columns(row: Any, changed: Iterable[str]) -> set[str]:
    """Return the columns that a form changed, and those that store the time of a change."""
    columns = {each.name: each for each in row._meta.concrete_fields}
    noted = {name for name, each in columns.items() if getattr(each, "auto_now", False)}
    return {name for name in changed if name in columns} | noted


def _key(within: admin.ModelAdmin[Any], text: str) -> Any:
    """Return the key that an address or a form contains; None if it is not a key."""
    with suppress(ValidationError, ValueError):
        return within.model._meta.pk.to_python(unquote(text))
    return None


def visible(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return those of `rows` that the user may see; models without `visible_to` do not belong to tenants."""
    manager: Any = rows.model._default_manager
    if is_superuser(request) or not hasattr(manager, "visible_to"):
        return rows
    return rows.filter(pk__in=manager.visible_to(request.user).values("pk"))


def is_superuser(request: HttpRequest) -> bool:
    """Return whether the user is an administrator of the installation."""
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
