"""Users, organisations and teams in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from accounts.admin import logs as log_admin
from accounts.admin.scope import ScopedAdmin, ScopedInline, is_superuser
from accounts.mail import queueing as mailing
from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.sign_in import lockout, passwords, sessions

admin.site.site_header = "Async Testing Service"
admin.site.site_title = "Async Testing Service"
admin.site.index_title = "Administration"

#: Django imports this module alone; the tables of tokens and of the audit log come with it.
BESIDE = log_admin

# simplejwt shows whole refresh tokens there: whoever reads one is that user.
admin.site.unregister([BlacklistedToken, OutstandingToken])

POWERS = ("is_active", "email_verified", "is_staff", "is_superuser", "groups", "user_permissions")


class NewUserForm(AdminUserCreationForm[User]):
    """A new user: an e-mail address, a name, and a password or none."""

    class Meta:
        model = User
        fields = ("email", "name")


class UserForm(UserChangeForm[User]):
    """A user; the password has a form of its own."""

    class Meta:
        model = User
        fields = ("email", "name", "password", *POWERS)


class MemberOfOrganisations(ScopedInline):
    """The organisations of a user, or the members of an organisation."""

    model = OrganisationMembership
    autocomplete_fields = ("user", "organisation")


class MemberOfTeams(ScopedInline):
    """The teams of a user, or the members of a team."""

    model = TeamMembership
    autocomplete_fields = ("user", "team")


class TeamsOfOrganisation(ScopedInline):
    """The teams of an organisation."""

    model = Team
    fields = ("name",)
    show_change_link = True


@admin.register(User)
class UserAdmin(ScopedAdmin[User], DjangoUserAdmin[User]):
    """People; only administrators of the installation give powers, or see other administrators."""

    form = UserForm
    add_form = NewUserForm
    inlines = (MemberOfOrganisations, MemberOfTeams)
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "email_verified", "is_staff", "is_superuser")
    actions = ("send_reset", "sign_out", "unlock")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Powers", {"fields": POWERS}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the users that the user may see: staff who could set a superuser's password would be one."""
        users = super().get_queryset(request)
        return users if is_superuser(request) else users.filter(is_superuser=False)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return what the user cannot change."""
        fixed = super().get_readonly_fields(request, obj)
        return fixed if is_superuser(request) else (*fixed, *POWERS)

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        """Return the memberships of a user that exists."""
        return super().get_inlines(request, obj) if obj else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save; who was switched off and on again has to sign in anew."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data:
            User.objects.filter(pk=obj.pk).update(session_epoch=F("session_epoch") + 1)

    @admin.action(description="Send a link to set a new password", permissions=["change"])
    def send_reset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Send each of the users a mail."""
        try:
            for user in queryset:
                passwords.forgot(email=user.email)
        except mailing.MailUnavailable:
            self.message_user(request, "Mail cannot be sent at the moment.", messages.ERROR)
        else:
            self.message_user(request, "The links have been sent.", messages.SUCCESS)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End every session and token of each of the users."""
        for user in queryset:
            sessions.end_all(user=user)
        self.message_user(request, "The users are signed out.", messages.SUCCESS)

    @admin.action(description="Unlock after failed sign-ins", permissions=["change"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Forget the failed sign-ins of each of the users."""
        for user in queryset:
            lockout.forgive(email=user.email)
        self.message_user(request, "The users can try again.", messages.SUCCESS)


@admin.register(Organisation)
class OrganisationAdmin(ScopedAdmin[Organisation]):
    """Tenants, with their members and teams."""

    inlines = (MemberOfOrganisations, TeamsOfOrganisation)
    list_display = ("name", "teams", "members", "created_at")
    search_fields = ("name",)
    readonly_fields = ("created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organisation]:
        """Return the organisations with the numbers that the list shows."""
        rows: QuerySet[Organisation] = super().get_queryset(request)
        return rows.annotate(
            team_count=Count("teams", distinct=True), member_count=Count("memberships", distinct=True)
        )

    @admin.display(ordering="team_count")
    def teams(self, organisation: Any) -> int:
        """Return the number of teams."""
        count: int = organisation.team_count
        return count

    @admin.display(ordering="member_count")
    def members(self, organisation: Any) -> int:
        """Return the number of members."""
        count: int = organisation.member_count
        return count


@admin.register(Team)
class TeamAdmin(ScopedAdmin[Team]):
    """Teams, with their members."""

    inlines = (MemberOfTeams,)
    list_display = ("name", "organisation", "members", "created_at")
    list_select_related = ("organisation",)
    search_fields = ("name", "organisation__name")
    autocomplete_fields = ("organisation",)
    fields = ("organisation", "name", "keep_results_days", "keep_executions_days", "created_at")
    readonly_fields = ("created_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Team]:
        """Return the teams with the number that the list shows."""
        rows: QuerySet[Team] = super().get_queryset(request)
        return rows.annotate(member_count=Count("memberships", distinct=True))

    @admin.display(ordering="member_count")
    def members(self, team: Any) -> int:
        """Return the number of members."""
        count: int = team.member_count
        return count
