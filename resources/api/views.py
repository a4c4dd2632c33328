"""REST of resources, their types, and environments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import ModelViewSet

from accounts.api.base import Conflict, choose_team, require, signed_in
from accounts.api.queries import KnownParameters
from accounts.permissions import Action
from resources import services
from resources.api.filters import EnvironmentFilter, ResourceFilter
from resources.api.serializers import (
    CheckSerializer,
    EnvironmentSerializer,
    ResourceSerializer,
    ResourceTypeSerializer,
)
from resources.configuration import Invalid
from resources.connection_checks.places import TooManyChecks
from resources.models import Environment, Resource
from steprunners.registry import connection_classes, step_types

ModelT = TypeVar("ModelT", bound=Model)


class _TeamThings(ModelViewSet[ModelT]):
    """CRUD of what belongs to a team, saved by a service that takes the serializer's fields."""

    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    save: Callable[..., Any]
    argument: str

    def get_queryset(self) -> QuerySet[ModelT]:
        """Return what the user may see."""
        queryset: Any = super().get_queryset()
        visible: QuerySet[ModelT] = queryset.visible_to(self.request.user).select_related("team")
        return visible

    def perform_create(self, serializer: BaseSerializer[ModelT]) -> None:
        """Create in the team that `teamId` names."""
        team = choose_team(
            self.request.user, serializer.validated_data.pop("team_id", None), Action.EDIT_RESOURCES
        )
        self._write(serializer, team=team)

    def perform_update(self, serializer: BaseSerializer[ModelT]) -> None:
        """Change what is given; it stays in its team."""
        thing: Any = serializer.instance
        require(self.request.user, Action.EDIT_RESOURCES, thing.team)
        if serializer.validated_data.pop("team_id", thing.team_id) != thing.team_id:
            raise exceptions.ValidationError({"teamId": ["It cannot move to another team."]}, "invalid")
        self._write(serializer, team=thing.team, **{self.argument: thing})

    def perform_destroy(self, instance: Any) -> None:
        """Delete it."""
        require(self.request.user, Action.EDIT_RESOURCES, instance.team)
        services.delete_environment(environment=instance)

    def _write(self, serializer: BaseSerializer[ModelT], **place: Any) -> None:
        try:
            serializer.instance = type(self).save(
                user=signed_in(self.request), **place, **serializer.validated_data
            )
        except Invalid as error:
            details: dict[str, list[exceptions.ErrorDetail]] = {}
            for each in error.problems:
                details.setdefault(each.place, []).append(exceptions.ErrorDetail(each.message, each.code))
            raise exceptions.ValidationError(details) from error


class Busy(exceptions.APIException):
    """As many checks are under way as there may be; the answer says when to come back."""

    status_code = 429
    default_code = TooManyChecks.code

    def __init__(self, refused: TooManyChecks) -> None:
        """Take over why and when."""
        super().__init__(str(refused))
        self.wait = refused.retry_after  # becomes Retry-After


class Resources(_TeamThings[Resource]):
    """Named connections. Secret fields are write-only: they read `••••••`, and sending that back keeps them."""

    queryset = Resource.objects.all()
    serializer_class = ResourceSerializer
    filterset_class = ResourceFilter
    search_fields = ("name", "group_name", "namespace")
    ordering_fields = ("name", "type", "created_at", "updated_at")
    save = staticmethod(services.save_resource)
    argument = "resource"

    def perform_update(self, serializer: BaseSerializer[Resource]) -> None:
        """Change what is given; a resource keeps its type."""
        resource = serializer.instance
        if resource is not None and serializer.validated_data.get("type", resource.type) != resource.type:
            raise exceptions.ValidationError({"type": ["The type of a resource cannot change."]}, "invalid")
        super().perform_update(serializer)

    def perform_destroy(self, instance: Resource) -> None:
        """Delete it, unless a flow's newest version or an environment uses it."""
        require(self.request.user, Action.EDIT_RESOURCES, instance.team)
        try:
            services.delete_resource(resource=instance)
        except services.InUse as error:
            raise Conflict(str(error), "in_use") from error

    @extend_schema(request=None, responses=CheckSerializer)
    @action(detail=True, methods=["post"])
    def check(self, request: Request, **_kwargs: Any) -> Response:
        """Connect to the resource, and say within 5 s whether it answers or what is wrong: 200 in either case.

        429 where as many checks are under way as the organisation, or the process, may have.
        """
        resource = self.get_object()
        require(request.user, Action.CHECK, resource.team)
        try:
            verdict = services.check_now(resource=resource)
        except TooManyChecks as refused:
            raise Busy(refused) from refused
        return Response(CheckSerializer(verdict).data)


class Environments(_TeamThings[Environment]):
    """Sets of variables and resource choices that a run can pick. Values of secret variables are write-only."""

    queryset = Environment.objects.all()
    serializer_class = EnvironmentSerializer
    filterset_class = EnvironmentFilter
    search_fields = ("name", "description")
    ordering_fields = ("name", "created_at", "updated_at")
    save = staticmethod(services.save_environment)
    argument = "environment"


class ResourceTypes(KnownParameters):
    """The types of resources of this installation."""

    @extend_schema(operation_id="resource_types_list", responses=ResourceTypeSerializer(many=True))
    def get(self, _request: Request) -> Response:
        """List them all, with the JSON Schema of their config."""
        return Response(
            [
                {
                    "type": name,
                    "description": inspect.getdoc(model) or "",
                    "configSchema": model.model_json_schema(by_alias=True),
                    "secretFields": sorted(model.secret_fields()),
                    "stepTypes": [runner.type for runner in step_types() if runner.resource_type == name],
                }
                for name, model in sorted(connection_classes().items())
            ]
        )
