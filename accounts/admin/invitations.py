"""Invitations in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin.scope import ScopedAdmin
from accounts.mail import queueing as mailing
from accounts.models import Invitation, OrganisationMembership, TeamMembership
from accounts.services import invitations


class InvitationForm(forms.ModelForm[Invitation]):
    """Whom to invite, where to."""

    role = forms.ChoiceField(choices=OrganisationMembership.Role.choices)
    team_role = forms.ChoiceField(choices=[("", "—"), *TeamMembership.Role.choices], required=False)

    class Meta:
        model = Invitation
        fields = ("organisation", "email", "role", "team", "team_role")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "team" in self.fields:  # not where an invitation is only shown
            self.fields["team"].required = False

    def clean(self) -> dict[str, Any]:
        """Refuse who is a member already, and a team of another organisation."""
        wanted: dict[str, Any] = super().clean() or {}
        organisation, team = wanted.get("organisation"), wanted.get("team")
        if organisation and team and team.organisation_id != organisation.pk:
            self.add_error("team", "This team belongs to another organisation.")
        if (
            organisation
            and organisation.memberships.filter(user__email=wanted.get("email", "").lower()).exists()
        ):
            self.add_error("email", "This user is already a member.")
        return wanted


@admin.register(Invitation)
class InvitationAdmin(ScopedAdmin[Invitation]):
    """Invitations: adding one sends its mail, deleting one takes it back."""

    form = InvitationForm
    list_display = ("email", "organisation", "role", "team", "invited_by", "expires_at", "accepted_at")
    list_select_related = ("organisation", "team__organisation", "invited_by")
    search_fields = ("email", "organisation__name")
    autocomplete_fields = ("organisation", "team")
    actions = ("send_again",)

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        """Change none: take it back and invite anew."""
        return False

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Invite, or renew the open invitation for the address."""
        try:
            made = invitations.invite(invited_by=request.user, **form.cleaned_data)  # type: ignore[arg-type]  # staff are users
            obj.pk = made.pk
        except mailing.MailUnavailable:
            self.message_user(
                request, "Mail cannot be sent at the moment. Send it again later.", messages.ERROR
            )

    @admin.action(description="Send again", permissions=["add"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Invitation]) -> None:
        """Send those that are open once more, with new links."""
        try:
            for invitation in queryset.filter(accepted_at=None):
                invitations.send_again(invitation=invitation, sender=request.user)  # type: ignore[arg-type]  # as above
        except mailing.MailUnavailable:
            self.message_user(request, "Mail cannot be sent at the moment.", messages.ERROR)
        else:
            self.message_user(request, "The links have been sent.", messages.SUCCESS)
