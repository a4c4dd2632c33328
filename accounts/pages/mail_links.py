"""The pages behind the links in mails: confirm an address, set a password, take up an invitation.

Opening a link changes nothing, since mail programs open links too: it puts the token into the session and goes on to
an address without it, so that it is in no log, history or Referer. What it is for happens by a button.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views import View

from accounts.mail import links
from accounts.mail.links import LinkOver, Purpose
from accounts.models import Invitation, User
from accounts.pages.cards import CardPage, card
from accounts.pages.forms import JoinForm, JoinKnownForm, NewPasswordForm, PageForm
from accounts.services import invitations
from accounts.sign_in import passwords, registration

BACKEND = "accounts.backends.PasswordBackend"


class FollowLink(View):
    """Takes the token from the address."""

    purpose: Purpose = Purpose.CONFIRM

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Keep the token in the session and go on to the page."""
        if links.is_whole(self.purpose, token):  # else anybody could fill the table of sessions
            request.session[str(self.purpose)] = token
        return redirect(str(self.purpose))


class LinkPage(CardPage):
    """A page for who came by a link that still works."""

    purpose: Purpose

    @property
    def token(self) -> str:
        """The token of the link that was followed."""
        return str(self.request.session.get(str(self.purpose), ""))

    def follow(self) -> None:
        """Look up what the link is about; raises LinkOver."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Say so where the link does not work any more."""
        try:
            self.follow()
            return self.for_somebody_else() or super().dispatch(request, *args, **kwargs)
        except LinkOver:
            return self.over()

    def for_somebody_else(self) -> HttpResponse | None:
        """Return what to say to a user whom the link is not for."""
        return None

    def over(self) -> HttpResponse:
        """Return the page of a link that does not work any more."""
        text = "It is too old, was used already, or is not whole. Ask for a new one."
        return card(self.request, "This link does not work any more", text, status=410, again=self.purpose)

    def forget(self) -> None:
        """Drop the token: it has done its work."""
        self.request.session.pop(str(self.purpose), None)


class ConfirmAddress(LinkPage):
    """Confirms the address of a registration."""

    purpose = Purpose.CONFIRM
    form_class = PageForm
    title = "Confirm your e-mail address"
    submit = "Yes, it is mine"

    def follow(self) -> None:
        """Look up whose link it is."""
        self.person = links.user_of(self.purpose, self.token)

    @property
    def lead(self) -> str:
        """What the button will do."""
        return f"You registered {self.person.email}. Is that you?"

    def form_valid(self, _form: PageForm) -> HttpResponse:
        """Confirm, and let them sign in."""
        registration.confirm(token=self.token)
        self.forget()
        messages.success(self.request, "Your address is confirmed. Sign in now.")
        return redirect("sign-in")


class ResetPassword(LinkPage):
    """Sets a forgotten password."""

    purpose = Purpose.RESET
    form_class = NewPasswordForm
    title = "Set a new password"
    submit = "Set the password"

    def follow(self) -> None:
        """Look up whose link it is."""
        self.person = links.user_of(self.purpose, self.token)

    @property
    def lead(self) -> str:
        """Whose password it is, and what follows."""
        return f"For {self.person.email}. You are signed out everywhere with that."

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        """Set it, and let them sign in."""
        try:
            passwords.reset(token=self.token, password=form.cleaned_data["password"])
        except ValidationError as problem:
            form.add_error("password", problem)
            return self.form_invalid(form)
        self.forget()
        messages.success(self.request, "The password is set. Sign in with it.")
        return redirect("sign-in")


class TakeUpInvitation(LinkPage):
    """Joins an organisation: as the user who is signed in, with an account there is, or with a new one."""

    purpose = Purpose.INVITE
    submit = "Join"

    def follow(self) -> None:
        """Look up the invitation, and whether its address has an account."""
        self.invitation: Invitation = links.invitation_of(self.token)
        self.known = invitations.account_of(self.invitation)

    def for_somebody_else(self) -> HttpResponse | None:
        """Say so to who is signed in as somebody else."""
        user = self.request.user
        if not user.is_authenticated or user == self.known:
            return None
        text = (
            f"The invitation is for {self.invitation.email}, and you are signed in as {user.email}. "
            "Sign out, and open the link again."
        )
        return card(self.request, "This invitation is for somebody else", text, status=403, sign_out=True)

    def over(self) -> HttpResponse:
        """Return the page of an invitation that is over."""
        text = "It was taken up or taken back, or its time is over. Ask whoever invited you for a new one."
        return card(self.request, "This invitation does not work any more", text, status=410)

    @property
    def title(self) -> str:
        """Where to."""
        return f"Join {self.invitation.organisation.name}"

    @property
    def lead(self) -> str:
        """Who invited whom."""
        by = f" by {self.invitation.invited_by.email}" if self.invitation.invited_by else ""
        team = f", team {self.invitation.team.name}" if self.invitation.team else ""
        return f"{self.invitation.email} is invited{by} to {self.invitation.organisation.name}{team}."

    def get_form_class(self) -> type[PageForm]:
        """Return what is still to be known."""
        if self.request.user.is_authenticated:
            return PageForm
        return JoinKnownForm if self.known else JoinForm

    def form_valid(self, form: PageForm) -> HttpResponse:
        """Join, signed in."""
        if isinstance(self.request.user, User):
            invitations.accept_as(token=self.token, user=self.request.user)
        elif (user := self._accepted(form)) is not None:
            login(self.request, user, backend=BACKEND)
        else:
            return self.form_invalid(form)
        self.forget()
        messages.success(self.request, f"Welcome to {self.invitation.organisation.name}.")
        return redirect("executions")

    def _accepted(self, form: PageForm) -> User | None:
        try:
            return invitations.accept(request=self.request, token=self.token, **form.cleaned_data)
        except ValidationError as problem:
            form.add_error("password", problem)
        except invitations.WrongPassword:
            form.add_error("password", "This is not the password of your account.")
        except invitations.SwitchedOff:
            form.add_error(None, "This account is switched off: ask an administrator.")
        return None
