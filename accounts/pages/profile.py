"""The page of the user's own account: name, password, sessions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_POST

from accounts.models import User
from accounts.pages.forms import ChangePasswordForm, NameForm
from accounts.selectors import organisations_of, teams_of
from accounts.services import people
from accounts.sign_in import passwords, sessions
from accounts.sign_in.throttling import ThrottledPage


def asking(request: HttpRequest) -> User:
    """Return the user of a page that needs one."""
    if not isinstance(request.user, User):
        raise TypeError("login_required comes first")
    return request.user


@method_decorator(login_required, name="dispatch")
class Profile(View):
    """Shows the account; POST changes the name."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show it."""
        return show(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change the name."""
        form = NameForm(request.POST)
        if not form.is_valid():
            return show(request, name_form=form)
        people.rename(user=asking(request), name=form.cleaned_data["name"])
        messages.success(request, "Your name was changed.")
        return redirect("profile-page")


class ChangePassword(ThrottledPage):
    """Changes the password."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Take a POST of who is signed in."""
        guarded = login_required(require_POST(super().dispatch))
        response: HttpResponseBase = guarded(request, *args, **kwargs)
        return response

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change it; with that this browser is signed out too."""
        form = ChangePasswordForm(request.POST)
        if not (form.is_valid() and self._changed(request, form)):
            return show(request, password_form=form)
        logout(request)
        messages.success(
            request,
            "Your password was changed, and you are signed out everywhere. Sign in with the new password.",
        )
        return redirect("sign-in")

    def _changed(self, request: HttpRequest, form: ChangePasswordForm) -> bool:
        try:
            passwords.change(request=request, user=asking(request), **form.cleaned_data)
        except passwords.WrongPassword:
            form.add_error("current", "This is not your password.")
        except ValidationError as problem:
            form.add_error("new", problem)
        return form.is_valid()


@login_required
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every session and token of the user."""
    sessions.end_all(user=asking(request))
    logout(request)
    messages.success(request, "You are signed out on every device.")
    return redirect("sign-in")


def show(request: HttpRequest, **forms: Any) -> HttpResponse:
    """Return the page, with those forms whose input was wrong."""
    user = asking(request)
    context = {
        "name_form": NameForm(initial={"name": user.name}),
        "password_form": ChangePasswordForm(),
        "organisations": organisations_of(user),
        "teams": teams_of(user),
        "section": "profile",
        **forms,
    }
    return render(request, "accounts/profile.html", context)
