"""The pages of organisations: all of the user's, and one with its teams and members."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Organisation, OrganisationMembership, Team, User
from accounts.pages.member_forms import OrganisationMemberForm, TenantForm
from accounts.pages.profile import asking
from accounts.permissions import OrganisationAction, action_for, may_in_organisation
from accounts.selectors import organisations_of, teams_of
from accounts.services import organisations as services

NAME_TAKEN = "This name is taken."
LAST_OWNER = "An organisation needs at least one owner."


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def organisations_page(request: HttpRequest) -> HttpResponse:
    """Show the user's organisations with their teams; POST makes an organisation."""
    user = asking(request)
    form = TenantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_organisation(owner=user, **form.cleaned_data)
        except services.NameTaken:
            form.add_error("name", NAME_TAKEN)
        else:
            return redirect("organisation", made.pk)
    teams = list(teams_of(user).order_by("name"))
    rows = [
        {"organisation": each, "teams": [team for team in teams if team.organisation_id == each.pk]}
        for each in organisations_of(user)
    ]
    return render(
        request, "accounts/organisations.html", {"rows": rows, "form": form, "section": "organisations"}
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def organisation_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show an organisation; POST renames it."""
    organisation = _organisation(request, pk)
    if request.method != "POST":
        return _show(request, organisation)
    _require(asking(request), OrganisationAction.ADMINISTER, organisation)
    form = TenantForm(request.POST)
    if renamed(request, form, organisation):
        return redirect("organisation", pk)
    return _show(request, _organisation(request, pk), name_form=form)


def renamed(request: HttpRequest, form: TenantForm, tenant: Organisation | Team) -> bool:
    """Give the tenant the name in the form and say so; False where the form tells what is wrong with it."""
    if not form.is_valid():
        return False
    try:
        services.rename(tenant=tenant, name=form.cleaned_data["name"])
    except services.NameTaken:
        form.add_error("name", NAME_TAKEN)
        return False
    messages.success(request, "The name was changed.")
    return True


@login_required
@require_POST
def delete_organisation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete an organisation without teams."""
    organisation = _organisation(request, pk)
    _require(asking(request), OrganisationAction.OWN, organisation)
    try:
        services.delete_organisation(organisation=organisation)
    except services.HasTeams:
        messages.error(request, "Delete its teams first.")
        return redirect("organisation", pk)
    messages.success(request, f"The organisation {organisation.name} was deleted.")
    return redirect("organisations")


@login_required
@require_POST
def add_team(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Create a team in the organisation."""
    organisation, user = _organisation(request, pk), asking(request)
    _require(user, OrganisationAction.ADMINISTER, organisation)
    form = TenantForm(request.POST)
    if form.is_valid():
        try:
            team = services.create_team(organisation=organisation, creator=user, **form.cleaned_data)
        except services.NameTaken:
            form.add_error("name", NAME_TAKEN)
        else:
            return redirect("team", team.pk)
    return _show(request, organisation, team_form=form)


@login_required
@require_POST
def add_member(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Add somebody who has an account."""
    organisation = _organisation(request, pk)
    _require(asking(request), OrganisationAction.MEMBERS, organisation)
    form = OrganisationMemberForm(request.POST)
    found = form.found(asking(request)) if form.is_valid() else None
    if found is not None:
        role = form.cleaned_data["role"]
        _require(asking(request), action_for(role), organisation)
        try:
            services.add_to_organisation(
                organisation=organisation, user=found, role=role, consented=asking(request).is_superuser
            )
        except services.AlreadyMember:
            form.add_error("email", "This user is already a member.")
        else:
            messages.success(request, f"{found.email} is now a member.")
            return redirect("organisation", pk)
    return _show(request, organisation, member_form=form)


@login_required
@require_POST
def change_member(request: HttpRequest, pk: UUID, user_id: UUID) -> HttpResponse:
    """Give a member the role in `role`, or remove them where it is empty; anybody may leave."""
    organisation, user = _organisation(request, pk), asking(request)
    member = get_object_or_404(organisation.memberships.select_related("user", "organisation"), user=user_id)
    role = request.POST.get("role", "")
    if role or user_id != user.pk:
        _require(user, action_for(member.role, role), organisation)
    try:
        if role in OrganisationMembership.Role.values:
            services.change_organisation_role(member=member, role=role)
        elif not role:
            services.remove_from_organisation(member=member)
    except services.LastOwner:
        messages.error(request, LAST_OWNER)
    else:
        messages.success(request, f"{member.user.email} is {role.lower() if role else 'no longer a member'}.")
    stays = Organisation.objects.visible_to(user).filter(pk=pk).exists()
    return redirect("organisation", pk) if stays else redirect("organisations")


def _show(request: HttpRequest, organisation: Organisation, **forms: object) -> HttpResponse:
    user = asking(request)

    def may(action: OrganisationAction) -> bool:
        return may_in_organisation(user, action, organisation)

    context = {
        "section": "organisations",
        "organisation": organisation,
        "teams": teams_of(user).filter(organisation=organisation).order_by("name"),
        "members": organisation.memberships.select_related("user").order_by("user__email"),
        "roles": OrganisationMembership.Role.values,
        "may_rename": may(OrganisationAction.ADMINISTER),
        "may_members": may(OrganisationAction.MEMBERS),
        "may_own": may(OrganisationAction.OWN),
        "name_form": TenantForm(initial={"name": organisation.name}),
        "team_form": TenantForm(auto_id="team_%s"),
        "member_form": OrganisationMemberForm(auto_id="member_%s"),
        **forms,
    }
    return render(request, "accounts/organisation.html", context)


def _organisation(request: HttpRequest, pk: UUID) -> Organisation:
    return get_object_or_404(Organisation.objects.visible_to(request.user), pk=pk)


def _require(user: User, action: OrganisationAction, organisation: Organisation) -> None:
    if not may_in_organisation(user, action, organisation):
        get_object_or_404(
            organisation.memberships, user=user
        )  # it was deleted, or they were removed, just now
        raise PermissionDenied
