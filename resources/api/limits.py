"""REST of an organisation's limits: its members read them, administrators of the installation change them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import CamelCaseSerializer, RequestSerializer, signed_in
from accounts.models import Organisation
from resources.limits.effective import SETTINGS, Grant, grant_of, installation_limits
from resources.limits.models import LONGEST_ENTRY, MOST_ENTRIES, OrganisationLimits, help_of
from resources.limits.services import change_limits, may_change_limits


class NumbersSerializer(CamelCaseSerializer):
    """Every limit as a number."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one field a limit."""
        self._declared_fields |= {
            name: serializers.IntegerField(read_only=True, help_text=help_of(name)) for name in SETTINGS
        }
        return super().get_fields()


class LimitsSerializer(CamelCaseSerializer):
    """The limits that hold, those of the installation, and what the organisation has of its own."""

    limits = NumbersSerializer(read_only=True)
    installation = NumbersSerializer(read_only=True)
    own = serializers.ListField(
        child=serializers.CharField(),
        read_only=True,
        help_text="Which limits differ from the installation's.",
    )
    network_allowed = serializers.ListField(child=serializers.CharField(), read_only=True)


class ChangeSerializer(RequestSerializer):
    """What is to change; null is what the installation gives to all."""

    network_allowed = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_ENTRY), max_length=MOST_ENTRIES, required=False
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one field a limit, as the model bounds it, beside the allow list."""
        self._declared_fields |= {name: _number(name) for name in SETTINGS}
        return super().get_fields()

    def validate_networkAllowed(self, value: list[str]) -> list[str]:  # noqa: N802  # the field's name on the wire
        """Refuse what is not an entry."""
        OrganisationLimits._meta.get_field("network_allowed").run_validators("\n".join(value))
        return value


def _number(name: str) -> serializers.IntegerField:
    column: Any = OrganisationLimits._meta.get_field(name)
    least, most = (each.limit_value for each in column._validators)
    return serializers.IntegerField(
        min_value=least, max_value=most, allow_null=True, required=False, help_text=help_of(name)
    )


class LimitsOfOrganisation(APIView):
    """The limits of one organisation."""

    @extend_schema(operation_id="organisations_limits", responses=LimitsSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """Return the limits that hold."""
        return _answer(self._organisation(request, pk))

    @extend_schema(
        operation_id="organisations_limits_change", request=ChangeSerializer, responses=LimitsSerializer
    )
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change some; for administrators of the installation."""
        organisation = self._organisation(request, pk)
        user = signed_in(request)
        if not may_change_limits(user):
            raise exceptions.PermissionDenied("Only administrators of the installation can change limits.")
        serializer = ChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changes = dict(serializer.validated_data)
        if "network_allowed" in changes:
            changes["network_allowed"] = "\n".join(changes["network_allowed"])
        change_limits(organisation=organisation, user=user, changes=changes)
        return _answer(organisation)

    def _organisation(self, request: Request, pk: UUID) -> Organisation:
        """Return the organisation; administrators of the installation reach every one."""
        user = signed_in(request)
        every = Organisation.objects.all()
        known = every if user.is_superuser and may_change_limits(user) else every.visible_to(user)
        return get_object_or_404(known, pk=pk)


def _answer(organisation: Organisation) -> Response:
    return Response(LimitsSerializer(shown(grant_of(organisation))).data)


def shown(grant: Grant) -> dict[str, Any]:
    """Return what the serializer and the page show of a grant."""
    return {
        "limits": grant.limits.to_json(),
        "installation": installation_limits().to_json(),
        "own": [name for name, _ in grant.own],
        "network_allowed": list(grant.network_allowed),
    }
