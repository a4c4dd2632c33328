"""The forms of the sign-in page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest


class SignInForm(AuthenticationForm):
    """E-mail address and password; it does not say which of the two was wrong."""

    error_messages = {
        "invalid_login": "The e-mail address or the password is wrong.",
        "inactive": "This account is switched off.",
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
