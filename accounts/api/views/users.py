"""The user who asks, and the people around them."""

from __future__ import annotations

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.base import signed_in
from accounts.api.serializers import ProfileSerializer, UserSerializer
from accounts.models import User


class Profile(APIView):
    """The user who asks."""

    @extend_schema(responses=ProfileSerializer)
    def get(self, request: Request) -> Response:
        """Return the user with their organisations and teams."""
        return Response(ProfileSerializer(signed_in(request)).data)

    @extend_schema(request=ProfileSerializer, responses=ProfileSerializer)
    def patch(self, request: Request) -> Response:
        """Change the user's name."""
        serializer = ProfileSerializer(signed_in(request), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data)


class Users(viewsets.ReadOnlyModelViewSet[User]):
    """The user who asks, and everybody who shares an organisation with them."""

    queryset = User.objects.none()
    serializer_class = UserSerializer
    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    search_fields = ("email", "name")
    ordering_fields = ("email", "name")

    def get_queryset(self) -> QuerySet[User]:
        """Return those people."""
        return User.objects.visible_to(self.request.user)
