"""Who may sign in, by any door: API, pages and admin."""

from __future__ import annotations

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts.models import User


def awaits_confirmation(user: User) -> bool:
    """Return whether the user has still to show that the e-mail address is theirs."""
    return settings.EMAIL_VERIFICATION and not user.email_verified


class Doorkeeper(AxesStandaloneBackend):  # type: ignore[misc]  # the library has no types
    """Lets nobody try who has to pause after wrong passwords (`lockout`); it comes before other backends."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Raise PermissionDenied for who has to pause; without a request, in a shell, nobody comes from anywhere."""
        if request is not None:
            super().authenticate(request, **credentials)


class PasswordBackend(ModelBackend):
    """Address and password; the user is active, and the address confirmed where that is asked for."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Return the user; the door learns from `request.awaits_confirmation` that only that is missing."""
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if not isinstance(user, User) or not awaits_confirmation(user):
            return user if isinstance(user, User) else None
        if request is not None:
            request.awaits_confirmation = True  # type: ignore[attr-defined]  # said only to who knew the password
        return None

    def get_user(self, user_id: Any) -> User | None:
        """Return the user of a session that may go on."""
        user = super().get_user(user_id)
        return user if isinstance(user, User) and not awaits_confirmation(user) else None
