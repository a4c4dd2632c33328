"""The forms of the pages about accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts.api.account_serializers import LONGEST_NAME
from accounts.api.serializers import LONGEST_PASSWORD
from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User

NOT_CONFIRMED = "Confirm your e-mail address first. Open the link in the mail that we sent to it."


def password_field(label: str, *, new: bool) -> forms.CharField:
    """Return a field for a password that password managers understand."""
    return forms.CharField(
        label=label,
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password" if new else "current-password"}),
        help_text="At least 8 characters; a few words are better than one." if new else "",
    )


def email_field() -> forms.EmailField:
    """Return a field for the address that one signs in with."""
    return forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput({"autocomplete": "username"})
    )


def name_field() -> forms.CharField:
    """Return a field for the name that others see."""
    return forms.CharField(
        label="Name",
        max_length=LONGEST_NAME,
        required=False,
        widget=forms.TextInput({"autocomplete": "name"}),
    )


class PageForm(forms.Form):
    """A form whose inputs have the looks of the design system."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.setdefault("class", "input")


class SignInForm(AuthenticationForm):
    """E-mail address and password; it does not say which of the two was wrong."""

    error_messages = {
        "invalid_login": "The e-mail address or the password is wrong.",
        "inactive": "This account is disabled.",
    }

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget = forms.EmailInput(
            {"class": "input", "autocomplete": "username", "maxlength": 254}
        )
        self.fields["password"].widget.attrs.update({"class": "input"})
        # After a wrong attempt the address usually stands, and the password is what to type again.
        first = "password" if self.data.get("username") else "username"
        self.fields[first].widget.attrs["autofocus"] = True
        if self.is_bound:
            for field in self.fields.values():
                field.widget.attrs["aria-describedby"] = "sign-in-error"

    @property
    def awaits_confirmation(self) -> bool:
        """Whether the address has still to be confirmed; said only to who knew the password."""
        return bool(getattr(self.request, "awaits_confirmation", False))

    def get_invalid_login_error(self) -> ValidationError:
        """Return what to say to who was not let in."""
        if self.awaits_confirmation:
            return ValidationError(NOT_CONFIRMED, code="email_not_verified")
        return super().get_invalid_login_error()


class AddressForm(PageForm):
    """An e-mail address that a link is sent to."""

    email = email_field()


class RegisterForm(PageForm):
    """A new account."""

    email = email_field()
    name = name_field()
    password = password_field("Password", new=True)


class NewPasswordForm(PageForm):
    """A password to be, for who came by a link."""

    password = password_field("New password", new=True)


class ChangePasswordForm(PageForm):
    """A password to be, with the one so far."""

    current = password_field("Current password", new=False)
    new = password_field("New password", new=True)


class NameForm(PageForm):
    """The name that others see."""

    name = name_field()


class JoinForm(PageForm):
    """Joining with a new account."""

    name = name_field()
    password = password_field("Password", new=True)


class JoinKnownForm(PageForm):
    """Joining with the account that the invited address has."""

    password = password_field("Password of your account", new=False)


class InviteForm(PageForm):
    """Somebody to invite into one of the organisations that the user rules."""

    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput({"autocomplete": "off"})
    )
    organisation = forms.ModelChoiceField(Organisation.objects.none(), empty_label=None)
    role = forms.ChoiceField(
        label="Role in it",
        choices=OrganisationMembership.Role.choices,
        initial=OrganisationMembership.Role.MEMBER,
    )
    team = forms.ModelChoiceField(Team.objects.none(), required=False, empty_label="No team yet")
    team_role = forms.ChoiceField(
        label="Role in the team", choices=TeamMembership.Role.choices, initial=TeamMembership.Role.EDITOR
    )

    def __init__(self, user: User, organisations: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organisation"].queryset = organisations  # type: ignore[attr-defined]  # a ModelChoiceField
        self.fields["team"].queryset = (  # type: ignore[attr-defined]  # a ModelChoiceField
            Team.objects.visible_to(user)
            .filter(organisation__in=organisations)
            .select_related("organisation")
        )
