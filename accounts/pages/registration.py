"""The pages for making an account, and for who forgot the password."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from accounts.mail import queueing as mailing
from accounts.pages.cards import CardPage, card
from accounts.pages.forms import AddressForm, RegisterForm
from accounts.sign_in import passwords, registration
from accounts.sign_in.throttling import MAILING

NO_MAIL = "Mail cannot be sent at the moment. Try again in a minute."


class OpenRegistration(CardPage):
    """A page of installations that take strangers."""

    throttle_classes = MAILING

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Say so where registration is switched off."""
        if settings.REGISTRATION_OPEN:
            return super().dispatch(request, *args, **kwargs)
        text = "Ask an administrator, or an owner of your organisation, to invite you."
        return card(request, "Registration is off", text, status=403)


class Register(OpenRegistration):
    """Makes an account."""

    form_class = RegisterForm
    title = "Create an account"
    lead = "It comes with an organisation and a team of your own."
    submit = "Create the account"

    def form_valid(self, form: RegisterForm) -> HttpResponse:
        """Make it; the next thing is the mail, or to sign in."""
        try:
            registration.register(**form.cleaned_data)
        except ValidationError as problem:
            form.add_error("password", problem)
        except registration.AddressTaken:
            form.add_error("email", "This address already has an account.")
        except mailing.MailUnavailable:
            form.add_error(None, NO_MAIL)
        else:
            return self._next(form.cleaned_data["email"])
        return self.form_invalid(form)

    def _next(self, email: str) -> HttpResponse:
        if settings.EMAIL_VERIFICATION:
            text = (
                f"We have sent a mail to {email} that says how to continue. "
                "It may take a minute; look in the spam folder too."
            )
            return card(self.request, "Check your mail", text)
        messages.success(self.request, "The account was created. Sign in now.")
        return redirect("sign-in")


class SendConfirmation(OpenRegistration):
    """Sends the link that confirms an address once more."""

    form_class = AddressForm
    title = "Confirm your e-mail address"
    lead = "We send you a new link."
    submit = "Send the link"

    def form_valid(self, form: AddressForm) -> HttpResponse:
        """Let it be sent, where the address waits for it."""
        return _sent(self, form, registration.send_again, "is waiting for confirmation")


class ForgotPassword(CardPage):
    """Sends a link to set a password."""

    throttle_classes = MAILING
    form_class = AddressForm
    title = "Forgot your password?"
    lead = "We send you a link to set a new one."
    submit = "Send the link"

    def form_valid(self, form: AddressForm) -> HttpResponse:
        """Let it be sent, where the address has an account."""
        return _sent(self, form, passwords.forgot, "has an account")


def _sent(page: CardPage, form: AddressForm, send: Any, condition: str) -> HttpResponse:
    email = form.cleaned_data["email"]
    try:
        send(email=email)
    except mailing.MailUnavailable:
        form.add_error(None, NO_MAIL)
        return page.form_invalid(form)
    text = f"If {email} {condition}, we have sent a link. It may take a minute; look in the spam folder too."
    return card(page.request, "Check your mail", text)
