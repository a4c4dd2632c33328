"""The pages of the people around a user, and of those whom they administer; and invitations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.mail import queueing as mailing
from accounts.models import Invitation, Organisation, OrganisationMembership, User
from accounts.pages.forms import InviteForm, NameForm
from accounts.pages.lists import asked_for, page_of
from accounts.pages.profile import asking
from accounts.pages.registration import NO_MAIL
from accounts.permissions import OrganisationAction
from accounts.services import invitations, people
from accounts.services import organisations as services
from accounts.sign_in import passwords
from accounts.sign_in.throttling import MAILING, MailThrottle, refusal

OWNER = OrganisationMembership.Role.OWNER


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def people_page(request: HttpRequest) -> HttpResponse:
    """Show the people, and the open invitations; POST invites somebody."""
    if request.method != "POST":
        return _show(request)
    if (refused := refusal(request, MAILING)) is not None:
        return refused
    form = InviteForm(asking(request), _ruled(asking(request)), request.POST)
    if not (form.is_valid() and _invited(asking(request), form)):
        return _show(request, form)
    messages.success(request, f"An invitation for {form.cleaned_data['email']} was sent.")
    return redirect("people")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def person_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show somebody; POST changes the name of who is administered."""
    person = _person(request, pk)
    form = NameForm(request.POST or None, initial={"name": person.name})
    if request.method == "POST" and form.is_valid():
        people.rename(user=_administered(person), name=form.cleaned_data["name"])
        messages.success(request, "The name was changed.")
        return redirect("person", pk)
    return render(request, "accounts/person.html", {"person": person, "form": form, "section": "people"})


@login_required
@require_POST
def switch(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Switch an account off or on."""
    active = request.POST.get("active") == "yes"
    people.switch(user=_administered(_person(request, pk)), active=active)
    messages.success(request, f"The account was {'enabled' if active else 'disabled'}.")
    return redirect("person", pk)


@login_required
@require_POST
def send_reset(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send somebody a link to set a new password."""
    person = _administered(_person(request, pk))
    if (refused := refusal(request, (MailThrottle,))) is not None:
        return refused
    _mailing(request, f"A link was sent to {person.email}.", lambda: passwords.forgot(email=person.email))
    return redirect("person", pk)


@login_required
@require_POST
def send_invitation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send an invitation once more."""
    invitation = _invitation(request, pk)
    if (refused := refusal(request, (MailThrottle,))) is not None:
        return refused
    _mailing(
        request,
        f"A new link was sent to {invitation.email}.",
        lambda: invitations.send_again(invitation=invitation, sender=asking(request)),
    )
    return redirect("people")


@login_required
@require_POST
def revoke_invitation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take an invitation back."""
    invitation = _invitation(request, pk)
    invitations.revoke(invitation=invitation, revoker=asking(request))
    messages.success(request, f"The invitation for {invitation.email} was revoked.")
    return redirect("people")


def _show(request: HttpRequest, form: InviteForm | None = None) -> HttpResponse:
    user = asking(request)
    search = asked_for(request)
    found = _with_roles(user).filter(Q(email__icontains=search) | Q(name__icontains=search))
    ruled = _ruled(user)
    context = {
        "page": page_of(request, found),
        "search": search,
        "invitations": Invitation.objects.visible_to(user)
        .filter(accepted_at=None)
        .select_related("organisation", "team", "invited_by"),
        "form": form or (InviteForm(user, ruled) if ruled else None),
        "section": "people",
    }
    return render(request, "accounts/people.html", context)


def _with_roles(user: User) -> QuerySet[User]:
    """Return the people with `roles`: their places in the organisations that the user sees."""
    seen = OrganisationMembership.objects.select_related("organisation")
    if not user.is_superuser:
        seen = seen.filter(organisation__in=Organisation.objects.visible_to(user).values("pk"))
    return people.people_of(user).prefetch_related(
        Prefetch("organisation_memberships", seen, to_attr="roles")
    )


def _ruled(user: User) -> QuerySet[Organisation]:
    return Organisation.objects.filter(
        pk__in=Organisation.objects.ids_permitting(user, OrganisationAction.MEMBERS)
    )


def _person(request: HttpRequest, pk: UUID) -> User:
    return get_object_or_404(_with_roles(asking(request)), pk=pk)


def _administered(person: Any) -> User:
    if not person.managed:
        raise PermissionDenied
    found: User = person
    return found


def _invitation(request: HttpRequest, pk: UUID) -> Invitation:
    invitation = get_object_or_404(
        Invitation.objects.visible_to(asking(request)).filter(accepted_at=None), pk=pk
    )
    _require_owner_for(asking(request), invitation.role, invitation.organisation)
    return invitation


def _require_owner_for(user: User, role: str, organisation: Organisation) -> None:
    """Only owners make owners."""
    if role == OWNER and organisation.pk not in Organisation.objects.ids_permitting(
        user, OrganisationAction.OWN
    ):
        raise PermissionDenied


def _invited(user: User, form: InviteForm) -> bool:
    wanted = form.cleaned_data
    _require_owner_for(user, wanted["role"], wanted["organisation"])
    try:
        invitations.invite(invited_by=user, **wanted)
    except services.AlreadyMember:
        form.add_error("email", "This user is already a member.")
    except invitations.ElsewhereTeam:
        form.add_error("team", "This team belongs to another organisation.")
    except mailing.MailUnavailable:
        form.add_error(
            None, "The invitation was created, but mail cannot be sent at the moment. Send it again later."
        )
    return form.is_valid()


def _mailing(request: HttpRequest, done: str, send: Any) -> None:
    try:
        send()
    except mailing.MailUnavailable:
        messages.error(request, NO_MAIL)
    else:
        messages.success(request, done)
