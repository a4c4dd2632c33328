"""The page of a team: its name, members, and what each role may do."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Team, TeamMembership
from accounts.pages.member_forms import RetentionForm, TeamMemberForm, TenantForm
from accounts.pages.organisations import renamed
from accounts.pages.profile import asking
from accounts.permission_table import team_table
from accounts.permissions import Action, may, role_in
from accounts.services import organisations as services
from accounts.services.retention import change_retention, executions_days, results_days


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def team_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a team; POST renames it."""
    team = _team(request, pk)
    if request.method != "POST":
        return _show(request, team)
    _require(request, Action.ADMINISTER, team)
    form = TenantForm(request.POST)
    if renamed(request, form, team):
        return redirect("team", pk)
    return _show(request, _team(request, pk), name_form=form)


@login_required
@require_POST
def change_team_retention(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change how long the team keeps what it has run."""
    team = _team(request, pk)
    _require(request, Action.ADMINISTER, team)
    form = RetentionForm(request.POST)
    if not form.is_valid():
        return _show(request, team, retention_form=form)
    change_retention(team=team, **form.cleaned_data)
    messages.success(request, "Saved. Older data is deleted within about an hour.")
    return redirect("team", pk)


@login_required
@require_POST
def delete_team(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a team with everything that it owns, once its name was typed."""
    team = _team(request, pk)
    _require(request, Action.ADMINISTER, team)
    if request.POST.get("name", "").strip() != team.name:
        messages.error(request, "Nothing was deleted: the name does not match.")
        return redirect("team", pk)
    services.delete_team(team=team)
    messages.success(request, f"The team {team.name} was deleted.")
    return redirect("organisations")


@login_required
@require_POST
def add_member(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add a member of the organisation."""
    team = _team(request, pk)
    _require(request, Action.MEMBERS, team)
    form = TeamMemberForm(request.POST)
    found = form.found(asking(request)) if form.is_valid() else None
    if found is not None:
        try:
            services.add_to_team(team=team, user=found, role=form.cleaned_data["role"])
        except services.NotInOrganisation:
            form.unknown()  # and no word on whether they have an account
        except services.AlreadyMember:
            form.add_error("email", "This user is already a member.")
        else:
            messages.success(request, f"{found.email} is now a member.")
            return redirect("team", pk)
    return _show(request, team, member_form=form)


@login_required
@require_POST
def change_member(request: HttpRequest, pk: UUID, user_id: UUID) -> HttpResponse:
    """Give a member the role in `role`, or remove them where it is empty; anybody may leave."""
    team, user = _team(request, pk), asking(request)
    member = get_object_or_404(team.memberships.select_related("user", "team"), user=user_id)
    role = request.POST.get("role", "")
    if role or user_id != user.pk:
        _require(request, Action.MEMBERS, team)
    if role in TeamMembership.Role.values:
        services.change_team_role(member=member, role=role)
        messages.success(request, f"{member.user.email} is {role.lower()}.")
    elif not role:
        services.remove_from_team(member=member)
        messages.success(request, f"{member.user.email} is no longer a member.")
    stays = Team.objects.visible_to(user).filter(pk=pk).exists()
    return redirect("team", pk) if stays else redirect("organisations")


def _show(request: HttpRequest, team: Team, **forms: object) -> HttpResponse:
    user = asking(request)
    context = {
        "section": "organisations",
        "team": team,
        "role": role_in(user, team),
        "members": team.memberships.select_related("user").order_by("user__email"),
        "roles": TeamMembership.Role.values,
        "may_administer": may(user, Action.ADMINISTER, team),
        "may_members": may(user, Action.MEMBERS, team),
        "table": team_table(),
        "name_form": TenantForm(initial={"name": team.name}),
        "member_form": TeamMemberForm(auto_id="member_%s"),
        "retention_form": RetentionForm(
            initial={"results": team.keep_results_days, "executions": team.keep_executions_days}
        ),
        "results_days": results_days(team),
        "executions_days": executions_days(team),
        **forms,
    }
    return render(request, "accounts/team.html", context)


def _team(request: HttpRequest, pk: UUID) -> Team:
    return get_object_or_404(Team.objects.visible_to(request.user).select_related("organisation"), pk=pk)


def _require(request: HttpRequest, action: Action, team: Team) -> None:
    if not may(request.user, action, team):
        _team(request, team.pk)  # it was deleted, or they were removed, just now
        raise PermissionDenied
