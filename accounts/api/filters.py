"""Filters that several apps share, and those of the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from accounts.api.base import EPOCH
from accounts.api.queries import one_of
from accounts.audit.doors import Door
from accounts.models import AuditEvent

LATEST = 253_402_300_799_000  # ms; the end of the year 9999, the last that a datetime can hold
LONGEST = 254


class TimeFilter(django_filters.NumberFilter):  # type: ignore[misc]  # the library has no types
    """Compares with a time in ms since the epoch."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=LATEST, **options)

    def filter(self, qs: QuerySet[Any], value: Decimal | None) -> QuerySet[Any]:
        """Filter by the datetime that the number means."""
        moment = None if value is None else EPOCH + timedelta(milliseconds=int(value))
        filtered: QuerySet[Any] = super().filter(qs, moment)
        return filtered


class AnyCaseChoices(forms.CharField):
    """One value or several separated by commas, each in any case."""

    def __init__(self, *, known: Callable[[], Iterable[str]], **options: Any) -> None:
        self.known = known
        super().__init__(**options)

    def clean(self, value: Any) -> Any:
        """Return the values as they are known, as a list. Raises ValidationError for an unknown one."""
        wanted = [part.strip() for part in super().clean(value).split(",") if part.strip()]
        known = {str(each).casefold(): str(each) for each in self.known()}
        for part in wanted:
            if part.casefold() not in known:
                raise forms.ValidationError(one_of(part, known.values()), "invalid_choice")
        return [known[part.casefold()] for part in wanted]


class AnyCaseFilter(django_filters.Filter):  # type: ignore[misc]  # the library has no types
    """Keeps the rows whose field has one of the values; `known` gives all that there are."""

    field_class = AnyCaseChoices

    def __init__(self, *, known: Callable[[], Iterable[str]], **options: Any) -> None:
        super().__init__(lookup_expr="in", known=known, **options)


class AuditFilter(django_filters.FilterSet):  # type: ignore[misc]  # the library has no types
    """Who, what, on what, when, where; all that are given must hold."""

    user = django_filters.CharFilter(method="by_user", max_length=LONGEST, help_text="Id or e-mail address.")
    action = django_filters.CharFilter(
        method="by_action", max_length=50, help_text="`flow.delete`, or `flow` for all actions on flows."
    )
    objectType = django_filters.CharFilter(field_name="target_type", max_length=50)  # noqa: N815 - the wire's name
    objectId = django_filters.CharFilter(field_name="target_id", max_length=64)  # noqa: N815 - the wire's name
    teamId = django_filters.UUIDFilter(field_name="team_id")  # noqa: N815 - the wire's name
    organisationId = django_filters.UUIDFilter(field_name="organisation_id")  # noqa: N815 - the wire's name
    tokenId = django_filters.UUIDFilter(field_name="token_id")  # noqa: N815 - the wire's name
    door = AnyCaseFilter(known=lambda: Door)
    since = TimeFilter(field_name="at", lookup_expr="gte", help_text="At this time or later (ms).")
    until = TimeFilter(field_name="at", lookup_expr="lt", help_text="Earlier (ms).")

    class Meta:
        model = AuditEvent
        fields: tuple[str, ...] = ()

    def by_user(self, events: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Keep what this user did."""
        try:
            return events.filter(actor_id=UUID(value))
        except ValueError:
            return events.filter(actor_name__iexact=value)

    def by_action(self, events: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Keep this action, or all actions of this noun."""
        return events.filter(Q(action=value) | Q(action__startswith=f"{value}."))
