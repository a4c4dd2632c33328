"""The user's own API tokens."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.viewsets import GenericViewSet

from accounts.api.base import Conflict, choose_team, signed_in
from accounts.api.token_serializers import MadeTokenSerializer, NewTokenSerializer, TokenSerializer
from accounts.models import ApiToken
from accounts.permissions import Action
from accounts.services import tokens


class Tokens(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[ApiToken],
):
    """API tokens for programs such as CI servers: `Authorization: Token ats_…`. No token can make another."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer
    lookup_value_converter = "uuid"  # what is no UUID is no path: 404
    search_fields = ("name", "hint")
    ordering_fields = ("name", "created_at", "expires_at", "last_used_at")

    def get_queryset(self) -> QuerySet[ApiToken]:
        """Return the user's tokens."""
        return ApiToken.objects.visible_to(self.request.user).select_related("user", "team")

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer})
    def create(self, request: Request) -> Response:
        """Make a token; `token` in the answer is the only time that it is shown."""
        asked = NewTokenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted: dict[str, Any] = asked.validated_data
        team_id = wanted.pop("team_id", None)
        team = choose_team(request.user, team_id, Action.VIEW) if team_id else None
        try:
            token, secret = tokens.create_token(user=signed_in(request), team=team, **wanted)
        except tokens.TooManyTokens:
            raise Conflict(
                f"You have {tokens.MOST_TOKENS} tokens, the most allowed. Revoke one first.",
                "too_many_tokens",
            ) from None
        shown = {**TokenSerializer(token).data, "token": secret}
        return Response(shown, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    def perform_update(self, serializer: BaseSerializer[ApiToken]) -> None:
        """Rename the token."""
        token = self.get_object()
        tokens.rename_token(token=token, name=serializer.validated_data.get("name", token.name))
        serializer.instance = token

    def perform_destroy(self, instance: ApiToken) -> None:
        """Revoke the token: it ends at once."""
        tokens.revoke_token(token=instance)
