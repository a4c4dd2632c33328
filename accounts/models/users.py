"""Users, who sign in with their e-mail address.

Users stand below organisations and teams: what is asked here about those goes through the relations of the user.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import AnonymousUser, PermissionsMixin
from django.db import models, transaction
from django.db.models import Exists, Q

from accounts.models.base import ServiceModel, new_id
from accounts.roles import RULING


class UserManager(BaseUserManager["User"]):
    """Creates users, and finds those whom a user may see."""

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

        With a token that is bound to a team these are the people of that team, as long as the user is one of them.
        """
        if user.is_anonymous:
            return self.none()
        own = Q(pk=user.pk)
        if user.bound_team_id:
            people = _people_of(user.bound_team_id)
            is_one = Exists(self.filter(people, pk=user.pk))
            return self.filter(own | Q(people, is_one)).distinct()
        shared = user.organisation_memberships.values("organisation")
        return self.filter(own | Q(organisation_memberships__organisation__in=shared)).distinct()

    def get_by_natural_key(self, username: str | None) -> User:
        """Find a user by e-mail address, whatever its case."""
        return self.get(email=(username or "").lower())


def _people_of(team_id: uuid.UUID) -> Q:
    """Return who sees the team: its members, and the owners and admins of its organisation."""
    rules = Q(
        organisation_memberships__organisation__teams=team_id,
        organisation_memberships__role__in=RULING,
    )
    return rules | Q(team_memberships__team=team_id)


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

    #: Not in the database. While an API token bound to a team stands for the user, only this team counts.
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
        """Save; a new password, whoever sets it, deletes the user's API tokens."""
        new_password = getattr(self, "_password", None) is not None and not self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if new_password:
                self.api_tokens.all().delete()

    def clean(self) -> None:
        """Spell the address as sign-in looks for it; forms call this before they check whether it is taken."""
        super().clean()
        self.email = self.email.lower()

    def get_short_name(self) -> str:
        """Return the name that pages show."""
        return self.name or self.email.split("@")[0]

    def get_session_auth_hash(self) -> str:
        """Return the hash that a session must hold to stay valid: of this password and this epoch."""
        return f"{super().get_session_auth_hash()}{self.session_epoch}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Yield the same hash under the earlier secret keys."""
        for fallback in super().get_session_auth_fallback_hash():
            yield f"{fallback}{self.session_epoch}"


AnyUser = User | AnonymousUser
