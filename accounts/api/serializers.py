"""What the REST API of accounts takes and gives."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.api.base import CamelCaseModelSerializer, CamelCaseSerializer, EnumField, MillisecondsField
from accounts.models import OrganisationMembership, TeamMembership, User
from accounts.models.teams import LONGEST_RETENTION_DAYS
from accounts.selectors import organisations_of, teams_of

#: Longer passwords only cost time to hash.
LONGEST_PASSWORD = 1_000


class UserSerializer(CamelCaseModelSerializer):
    """A person, as others see them."""

    class Meta:
        model = User
        fields = ("id", "email", "name")
        read_only_fields = ("id", "email", "name")


class OrganisationSerializer(CamelCaseSerializer):
    """An organisation, with the role of whoever asks."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=OrganisationMembership.Role.choices, read_only=True)
    created_at = MillisecondsField()


def retention_field(what: str) -> serializers.IntegerField:
    """Return a field of days."""
    return serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=LONGEST_RETENTION_DAYS,
        help_text=f"{what}; null as the installation says, 0 for ever.",
    )


class TeamSerializer(CamelCaseSerializer):
    """A team, with the role of whoever asks."""

    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=150)
    organisation_id = serializers.UUIDField(read_only=True)
    organisation_name = serializers.CharField(source="organisation.name", read_only=True)
    role = serializers.ChoiceField(choices=TeamMembership.Role.choices, read_only=True)
    keep_results_days = retention_field("Days that requests and responses of steps are kept")
    keep_executions_days = retention_field("Days that executions are kept")
    created_at = MillisecondsField()


class NewTeamSerializer(TeamSerializer):
    """A team that names its organisation; who has one organisation may leave that out."""

    organisation_id = serializers.UUIDField(required=False)


class ProfileSerializer(CamelCaseModelSerializer):
    """The user who asks; only `name` can be changed here."""

    is_administrator = serializers.BooleanField(source="is_superuser", read_only=True)
    organisations = serializers.SerializerMethodField()
    teams = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "email", "name", "is_administrator", "organisations", "teams")
        read_only_fields = ("id", "email")

    @extend_schema_field(OrganisationSerializer(many=True))
    def get_organisations(self, user: User) -> Any:
        """Return the user's organisations."""
        return OrganisationSerializer(organisations_of(user), many=True).data

    @extend_schema_field(TeamSerializer(many=True))
    def get_teams(self, user: User) -> Any:
        """Return the teams that the user sees."""
        return TeamSerializer(teams_of(user), many=True).data


class CredentialsSerializer(CamelCaseSerializer):
    """What a user signs in with."""

    email = serializers.CharField(max_length=254)
    password = serializers.CharField(
        max_length=LONGEST_PASSWORD, trim_whitespace=False, style={"input_type": "password"}
    )


class RefreshTokenSerializer(CamelCaseSerializer):
    """A refresh token."""

    refresh = serializers.CharField(max_length=10_000)


class TokensSerializer(CamelCaseSerializer):
    """A new pair of tokens."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class SessionSerializer(TokensSerializer):
    """A new pair of tokens, and whose they are."""

    user = UserSerializer()


class MemberSerializer(CamelCaseSerializer):
    """A user's place in an organisation or team."""

    user_id = serializers.UUIDField(read_only=True)
    email = serializers.CharField(source="user.email", read_only=True)
    name = serializers.CharField(source="user.name", read_only=True)


class OrganisationMemberSerializer(MemberSerializer):
    """A member of an organisation; only the role can be changed."""

    role = EnumField(choices=OrganisationMembership.Role.choices)


class TeamMemberSerializer(MemberSerializer):
    """A member of a team; only the role can be changed."""

    role = EnumField(choices=TeamMembership.Role.choices)


class NewMemberSerializer(MemberSerializer):
    """A new member, named by `userId` or by `email`."""

    user_id = serializers.UUIDField(required=False)
    email = serializers.CharField(source="user.email", max_length=254, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a member that is named by neither or by both."""
        if ("user_id" in attrs) == ("user" in attrs):
            raise ValidationError({"userId": ["Give either userId or email."]}, "required")
        return attrs


class NewOrganisationMemberSerializer(NewMemberSerializer, OrganisationMemberSerializer):
    """A new member of an organisation."""


class NewTeamMemberSerializer(NewMemberSerializer, TeamMemberSerializer):
    """A new member of a team."""
