"""What the REST API takes and gives about accounts: registration, passwords, invitations, people."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import CamelCaseModelSerializer, CamelCaseSerializer, EnumField, MillisecondsField
from accounts.api.serializers import LONGEST_PASSWORD
from accounts.mail import links
from accounts.models import ApiToken, Invitation, OrganisationMembership, TeamMembership, User

LONGEST_NAME = 150


def password_field(**options: Any) -> serializers.CharField:
    """Return a field for a password: never trimmed, never given back."""
    return serializers.CharField(
        max_length=LONGEST_PASSWORD,
        trim_whitespace=False,
        write_only=True,
        style={"input_type": "password"},
        **options,
    )


class LinkTokenSerializer(CamelCaseSerializer):
    """The token at the end of a link in a mail."""

    token = serializers.CharField(max_length=links.LONGEST_TOKEN)


class AddressSerializer(CamelCaseSerializer):
    """An e-mail address."""

    email = serializers.EmailField(max_length=254)


class RegistrationSerializer(AddressSerializer):
    """A new account."""

    password = password_field()
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, default="", allow_blank=True)


class RegisteredSerializer(AddressSerializer):
    """What follows from registering."""

    verification_required = serializers.BooleanField(
        help_text="Whether a link was sent that has to be opened first."
    )


class ResetSerializer(LinkTokenSerializer):
    """A new password, with the token of the mail."""

    password = password_field()


class PasswordChangeSerializer(CamelCaseSerializer):
    """A new password, with the one so far."""

    current_password = password_field()
    new_password = password_field()


class AcceptanceSerializer(LinkTokenSerializer):
    """Joining: with the password of the account there is, or with the password and name of a new one."""

    password = password_field()
    name = serializers.CharField(max_length=LONGEST_NAME, required=False, default="", allow_blank=True)


class PersonSerializer(CamelCaseModelSerializer):
    """Somebody, as people around them see them; `managed` says whether whoever asks administers them."""

    managed = serializers.BooleanField(read_only=True)

    class Meta:
        model = User
        fields = ("id", "email", "name", "is_active", "managed")
        read_only_fields = ("id", "email")


class NewPersonSerializer(RegistrationSerializer):
    """An account that an administrator of the installation makes."""


class InvitationSerializer(CamelCaseModelSerializer):
    """An invitation, as those see it who rule the organisation."""

    organisation_id = serializers.UUIDField(read_only=True)
    organisation_name = serializers.CharField(source="organisation.name", read_only=True)
    team_id = serializers.UUIDField(read_only=True, allow_null=True)
    team_name = serializers.CharField(source="team.name", read_only=True, allow_null=True, default=None)
    team_role = serializers.CharField(read_only=True)
    invited_by = serializers.CharField(
        source="invited_by.email", read_only=True, allow_null=True, default=None
    )
    created_at = MillisecondsField()
    expires_at = MillisecondsField()
    link = serializers.SerializerMethodField(
        help_text="For administrators of the installation alone: null for everybody else."
    )

    class Meta:
        model = Invitation
        fields = (
            *(
                "id",
                "email",
                "organisation_id",
                "organisation_name",
                "role",
                "team_id",
                "team_name",
                "team_role",
            ),
            *("invited_by", "created_at", "expires_at", "link"),
        )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_link(self, invitation: Invitation) -> str | None:
        """Return the link; who has it can take the address for their own, so it goes by mail alone.

        Administrators of the installation can do that anyway, and may have no mail server yet.
        """
        request = self.context.get("request")
        # Not by an API token either: one that only reads must not grow into an account.
        if request is None or not request.user.is_superuser or isinstance(request.auth, ApiToken):
            return None
        return links.url(links.Purpose.INVITE, links.invitation_token(invitation))


class NewInvitationSerializer(AddressSerializer):
    """An invitation; who rules one organisation may leave `organisationId` out, or name the team alone."""

    organisation_id = serializers.UUIDField(required=False)
    role = EnumField(
        choices=OrganisationMembership.Role.choices,
        default=OrganisationMembership.Role.MEMBER,
        required=False,
    )
    team_id = serializers.UUIDField(required=False, allow_null=True)
    team_role = EnumField(
        choices=TeamMembership.Role.choices, default=TeamMembership.Role.EDITOR, required=False
    )
