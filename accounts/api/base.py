"""The base of the REST APIs of all apps: camelCase names, teams, conflicts.

It is in the lowest app because imports point down.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_field
from pydantic.alias_generators import to_camel
from rest_framework import exceptions, serializers, status
from rest_framework.request import Request

from accounts.models import AnyUser, Organisation, Team, User
from accounts.permissions import Action, OrganisationAction, may_in_organisation, role_in
from accounts.roles import ALLOWED

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Conflict(exceptions.APIException):
    """The current state of the object does not allow the request."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = "The current state does not allow this."
    default_code = "conflict"


class CamelCaseMixin:
    """Shows every declared snake_case field under its camelCase name; values are left alone."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the fields by their wire names."""
        fields: Mapping[str, Any] = super().get_fields()  # type: ignore[misc]  # mixed into serializers only
        return {to_camel(name): _reading(field, name) for name, field in fields.items()}


def _reading(field: Any, name: str) -> Any:
    # DRF refuses a source that equals the field's name, so it is given only where they differ.
    if field.source is None and to_camel(name) != name:
        field.source = name
        field._kwargs = {**field._kwargs, "source": name}  # DRF copies fields from these
    return field


class CamelCaseSerializer(CamelCaseMixin, serializers.Serializer[Any]):
    """A serializer with camelCase names in JSON."""


class RequestSerializer(CamelCaseSerializer):
    """The body of a request for an action: a misspelt key is an error, not a default."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown keys, each at its place."""
        unknown = [key for key in data if key not in self.fields] if isinstance(data, Mapping) else []
        if unknown:
            known = ", ".join(self.fields)
            problems = {str(key): [f"This field does not exist. Known fields: {known}."] for key in unknown}
            raise serializers.ValidationError(problems, "unknown")
        return super().to_internal_value(data)


class CamelCaseModelSerializer(CamelCaseMixin, serializers.ModelSerializer[Any]):
    """A model serializer with camelCase names in JSON."""


def choose_team(user: AnyUser, team_id: Any, action: Action) -> Team:
    """Return the team that `teamId` names, or the user's only team if it is left out.

    Raises ValidationError at `teamId` if it is unknown or required, PermissionDenied if the user's role does not
    allow `action`.
    """
    teams = Team.objects.visible_to(user)
    if team_id is None:
        found = list(teams[:2])
        if len(found) > 1:
            raise exceptions.ValidationError(
                {"teamId": ["Name the team: you belong to several."]}, "required"
            )
    else:
        found = _by_id(teams, team_id)
    if not found:
        raise exceptions.ValidationError({"teamId": ["This team does not exist."]}, "does_not_exist")
    require(user, action, found[0])
    return found[0]


def _by_id(teams: Any, team_id: Any) -> list[Team]:
    try:
        return list(teams.filter(pk=team_id))
    except (ValueError, TypeError, ValidationError):  # not a UUID
        return []


def choose_organisation(user: AnyUser, organisation_id: Any) -> Organisation:
    """Return the organisation that `organisationId` names, or the user's only one if it is left out.

    Raises ValidationError at `organisationId` if it is unknown or required.
    """
    organisations = Organisation.objects.visible_to(user)
    if organisation_id is not None:
        organisations = organisations.filter(pk=organisation_id)
    found = list(organisations[:2])
    if len(found) != 1:
        text, code = ("This organisation does not exist.", "does_not_exist")
        if len(found) > 1:
            text, code = ("Name the organisation: you belong to several.", "required")
        raise exceptions.ValidationError({"organisationId": [text]}, code)
    return found[0]


def signed_in(request: Request) -> User:
    """Return the signed-in user of the request; raises NotAuthenticated if there is none."""
    if not isinstance(request.user, User):
        raise exceptions.NotAuthenticated
    return request.user


def require(user: AnyUser, action: Action, team: Team) -> None:
    """Raise PermissionDenied if the user's role in the team does not allow `action`."""
    require_role(role_in(user, team), action, team)


def require_role(role: str | None, action: Action, team: Team) -> None:
    """Raise PermissionDenied if this role in the team does not allow `action`; NotFound without a role.

    A user without a role could not see the team in the first place, so it was deleted or they were removed just now.
    """
    if role is None:
        raise exceptions.NotFound
    if role not in ALLOWED[action]:
        raise exceptions.PermissionDenied(
            f"Your role in team {team.name} does not allow you to {action.value}."
        )


def require_in_organisation(user: AnyUser, action: OrganisationAction, organisation: Organisation) -> None:
    """Raise PermissionDenied if the user's role in the organisation forbids `action`; NotFound without a role."""
    if not may_in_organisation(user, action, organisation):
        if not organisation.memberships.filter(user=user.pk).exists():
            raise exceptions.NotFound
        raise exceptions.PermissionDenied(
            f"Your role in organisation {organisation.name} does not allow you to {action.value} it."
        )


@extend_schema_field({"type": "integer", "format": "int64", "description": "Milliseconds since the epoch."})
class MillisecondsField(serializers.Field[Any, Any, int, Any]):
    """A read-only time in JSON: integer milliseconds since the Unix epoch."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: datetime) -> int:
        """Return the milliseconds."""
        return milliseconds(value)


def milliseconds(moment: datetime) -> int:
    """Return integer milliseconds since the Unix epoch, without a float in between."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


class EnumField(serializers.ChoiceField):
    """Values in upper case on output, accepted in any case on input."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the value in its own spelling."""
        return super().to_internal_value(data.upper() if isinstance(data, str) else data)
