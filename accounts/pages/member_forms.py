"""The forms of organisations, teams, their members, and API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone

from accounts.models import (
    ApiToken,
    OrganisationMembership,
    Team,
    TeamMembership,
    User,
)
from accounts.models.teams import LONGEST_RETENTION_DAYS
from accounts.pages.forms import PageForm
from accounts.services import people

DAYS = (7, 30, 90, 180, 365)


class TenantForm(PageForm):
    """The name of an organisation or a team."""

    name = forms.CharField(max_length=150, widget=forms.TextInput({"autocomplete": "off"}))


class RetentionForm(PageForm):
    """How long a team keeps what it has run: `results` and `executions`, None as the installation says."""

    results = forms.IntegerField(
        label="Results of steps, in days", required=False, min_value=0, max_value=LONGEST_RETENTION_DAYS
    )
    executions = forms.IntegerField(
        label="Runs, in days", required=False, min_value=0, max_value=LONGEST_RETENTION_DAYS
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["results"].help_text = _empty_means(settings.RESULTS_RETENTION_DAYS)
        self.fields["executions"].help_text = _empty_means(settings.EXECUTIONS_RETENTION_DAYS)


def _empty_means(days: int) -> str:
    return (
        f"Empty: {days} days, the installation's setting. 0: for ever." if days else "Empty or 0: for ever."
    )


class _MemberForm(PageForm):
    email = forms.EmailField(
        label="E-mail address", max_length=254, widget=forms.EmailInput({"autocomplete": "off"})
    )

    def found(self, adder: User) -> User | None:
        """Return the active user with this address, of those whom the adder sees; else the form has an error."""
        user = people.to_add(adder=adder, email=self.cleaned_data["email"].lower())
        if user is None:
            self.unknown()
        return user

    def unknown(self) -> None:
        """Say that there is nobody with this address."""
        self.add_error(
            "email", "You cannot see a user with this address. Invite people from outside on the page People."
        )


class OrganisationMemberForm(_MemberForm):
    """Somebody with an account who joins an organisation."""

    role = forms.ChoiceField(
        choices=OrganisationMembership.Role.choices, initial=OrganisationMembership.Role.MEMBER
    )


class TeamMemberForm(_MemberForm):
    """A member of the organisation who joins a team."""

    role = forms.ChoiceField(choices=TeamMembership.Role.choices, initial=TeamMembership.Role.EDITOR)


class TokenForm(PageForm):
    """An API token to make."""

    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off"}),
        help_text="What it is for, e.g. nightly CI.",
    )
    scopes = forms.MultipleChoiceField(
        choices=[
            (ApiToken.Scope.READ, "Read: look at everything"),
            (ApiToken.Scope.RUN, "Run: run, cancel, re-run, check"),
            (ApiToken.Scope.WRITE, "Write: change and delete"),
        ],
        initial=[ApiToken.Scope.READ, ApiToken.Scope.RUN],
        widget=forms.CheckboxSelectMultiple({"class": "check"}),
    )
    team = forms.ModelChoiceField(Team.objects.none(), required=False, empty_label="All my teams")
    days = forms.TypedChoiceField(
        label="Lasts", choices=[(days, f"{days} days") for days in DAYS], initial=90, coerce=int
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = (  # type: ignore[attr-defined]  # a ModelChoiceField
            Team.objects.visible_to(user).select_related("organisation")
        )

    def wanted(self) -> dict[str, Any]:
        """Return what `tokens.create_token` takes."""
        fields = dict(self.cleaned_data)
        expires_at = timezone.now() + timedelta(days=fields.pop("days"))
        return {**fields, "expires_at": expires_at}
