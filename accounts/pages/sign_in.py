"""The pages for signing in and out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView

from accounts.pages.forms import SignInForm
from accounts.sign_in.throttling import ThrottledPage


class SignIn(ThrottledPage, LoginView):
    """Signs a user in and goes to `next`, where that is a page of this site."""

    form_class = SignInForm
    template_name = "accounts/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the template shows."""
        return super().get_context_data(registration_open=settings.REGISTRATION_OPEN, **kwargs)

    def get_redirect_url(self) -> str:  # type: ignore[override]  # the stubs describe a later Django
        """Return `next` where it is safe; this very page is not: Django would answer 500 for the loop."""
        url = super().get_redirect_url()
        return "" if url.partition("?")[0] == self.request.path else url
