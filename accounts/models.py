"""Users and tenancy: organisations own teams; everything else belongs to one team."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.core.validators import MaxValueValidator
from django.db import models, transaction
from uuid_utils.compat import uuid7

from accounts.audit_models import AuditEvent as AuditEvent  # noqa: PLC0414 - Django looks for models here
from accounts.invitation_models import Invitation as Invitation  # noqa: PLC0414 - others import it from here
from accounts.service_models import ServiceModel
from accounts.token_models import ApiToken

#: A hundred years; more would lead out of the calendar.
LONGEST_RETENTION_DAYS = 36_500


def new_id() -> uuid.UUID:
    """Return a new UUIDv7: ids sort by the time they were made (RFC 9562)."""
    return uuid7()


class UserManager(BaseUserManager["User"]):
    """Makes users, who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create a user; without a password nobody can sign in as them until one is set."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an administrator of the installation."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def visible_to(self, user: AnyUser) -> models.QuerySet[User]:
        """Return the user, and everybody who shares an organisation with them.

        With a team's token these are the people of the team: its members, and who rules its organisation.
        """
        if user.is_anonymous:
            return self.none()
        own = models.Q(pk=user.pk)
        if user.bound_team_id:
            return self.filter(own | _people_of(Team.objects.visible_to(user))).distinct()
        shared = Organisation.objects.visible_to(user).values("pk")
        return self.filter(own | models.Q(organisation_memberships__organisation__in=shared)).distinct()

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by e-mail address, whatever its case."""
        return self.get(email=(username or "").lower())


def _people_of(teams: models.QuerySet[Team]) -> models.Q:
    pks = teams.values("pk")
    rules = models.Q(
        organisation_memberships__organisation__teams__in=pks,
        organisation_memberships__role__in=RULING,
    )
    return rules | models.Q(team_memberships__team__in=pks)


class User(AbstractBaseUser, PermissionsMixin, ServiceModel):
    """A person or program that signs in with an e-mail address."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    email_verified = models.BooleanField(
        default=True, help_text="Whoever registers shows first that the address is theirs."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May use the admin site.")
    date_joined = models.DateTimeField(auto_now_add=True)
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="Sessions and tokens of an earlier number are over."
    )

    #: Not in the database: the only team that counts, while an API token bound to it stands for the user.
    bound_team_id: uuid.UUID | None = None

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save; a new password, whoever sets it, ends the user's API tokens."""
        new_password = getattr(self, "_password", None) is not None and not self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if new_password:
                ApiToken.objects.filter(user=self).delete()

    def clean(self) -> None:
        """Spell the address as sign-in looks for it; forms call this before they ask whether it is taken."""
        super().clean()
        self.email = self.email.lower()

    def get_short_name(self) -> str:
        """Return the name that pages show."""
        return self.name or self.email.split("@")[0]

    def get_session_auth_hash(self) -> str:
        """Return what a session must hold to go on: of this password and this epoch."""
        return f"{super().get_session_auth_hash()}{self.session_epoch}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield the same under the earlier secret keys."""
        for fallback in super().get_session_auth_fallback_hash():
            yield f"{fallback}{self.session_epoch}"


AnyUser = User | AnonymousUser


class OrganisationQuerySet(models.QuerySet["Organisation"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> OrganisationQuerySet:
        """Return the organisations that the user belongs to."""
        if user.is_anonymous:
            return self.none()
        own = self.filter(memberships__user=user).distinct()
        return own.filter(teams=user.bound_team_id) if user.bound_team_id else own


class Organisation(ServiceModel):
    """A tenant: a company or department."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=150, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrganisationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class OrganisationMembership(ServiceModel):
    """A user's place in an organisation."""

    class Role(models.TextChoices):
        """What a member may do to the organisation."""

        OWNER = "OWNER"
        ADMIN = "ADMIN"
        MEMBER = "MEMBER"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="organisation_memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    consented = models.BooleanField(
        default=True,
        editable=False,
        help_text="They took up an invitation, or an administrator of the installation placed them.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "user"], name="one_membership_an_organisation")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.organisation} ({self.role})"


#: Who rules an organisation is ADMIN of each of its teams.
RULING: frozenset[str] = frozenset({OrganisationMembership.Role.OWNER, OrganisationMembership.Role.ADMIN})


class TeamQuerySet(models.QuerySet["Team"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> TeamQuerySet:
        """Return the teams the user belongs to, and all teams of organisations they own or administer."""
        if user.is_anonymous:
            return self.none()
        ruled = models.Q(
            organisation__memberships__user=user,
            organisation__memberships__role__in=RULING,
        )
        own = self.filter(models.Q(memberships__user=user) | ruled).distinct()
        return own.filter(pk=user.bound_team_id) if user.bound_team_id else own


def retention_days(text: str) -> Any:
    """Return a column of days; empty is what the installation says, 0 for ever."""
    return models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(LONGEST_RETENTION_DAYS)],
        help_text=f"{text} Empty: as the installation says; 0: for ever.",
    )


class Team(ServiceModel):
    """The owner of resources, environments, flows and executions."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="teams")
    name = models.CharField(max_length=150)
    keep_results_days = retention_days("Days that results of steps are kept.")
    keep_executions_days = retention_days("Days that executions are kept.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="team_name_once")]

    def __str__(self) -> str:
        return f"{self.organisation} / {self.name}"


class TeamMembership(ServiceModel):
    """A user's place in a team."""

    class Role(models.TextChoices):
        """What a member may do to what the team owns."""

        ADMIN = "ADMIN"
        EDITOR = "EDITOR"
        VIEWER = "VIEWER"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_a_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"
