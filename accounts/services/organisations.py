"""The only writer of organisations, teams and memberships.

The caller checks first who may do it (`permissions`). What must hold for every caller is checked here: names are
free, an organisation keeps an owner, members of a team are members of its organisation. Every change is recorded in
the audit log, for the user of the current request.

Each service locks the organisation, or the team, while it reads and writes (`transactions`), so that its checks still
hold at its end. If its object was deleted meanwhile, it raises DoesNotExist.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.audit.log import record
from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.signals import team_goes, team_is_held
from accounts.transactions import Overtaken, deletion, held, held_whole, keep, retried

OWNER = OrganisationMembership.Role.OWNER


class NameTaken(Exception):
    """Another organisation, or another team of the organisation, has this name."""


class LastOwner(Exception):
    """The organisation would be left without an owner."""


class HasTeams(Exception):
    """The organisation still has teams."""


class AlreadyMember(Exception):
    """The user is a member already."""


class NotInOrganisation(Exception):
    """The user is not a member of the team's organisation."""


@retried
def create_organisation(*, name: str, owner: User) -> Organisation:
    """Create an organisation with its first owner; raises NameTaken."""
    keep(owner)
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(name=name)
    except IntegrityError:
        raise NameTaken from None
    OrganisationMembership.objects.create(organisation=organisation, user=owner, role=OWNER)
    record(actor=owner, action="organisation.create", organisation=organisation, target=organisation)
    return organisation


@retried
def create_team(*, organisation: Organisation, name: str, creator: User) -> Team:
    """Create a team with its creator as ADMIN; raises NameTaken."""
    keep(organisation, creator)
    try:
        with transaction.atomic():
            team = Team.objects.create(organisation=organisation, name=name)
    except IntegrityError:
        raise NameTaken from None
    TeamMembership.objects.create(team=team, user=creator, role=TeamMembership.Role.ADMIN)
    record(actor=creator, action="team.create", team=team, target=team)
    return team


@retried
def rename(*, tenant: Organisation | Team, name: str) -> None:
    """Rename an organisation or a team; raises NameTaken."""
    changed = held_whole(tenant)
    old, changed.name = changed.name, name
    try:
        with transaction.atomic():
            changed.save(update_fields=["name"])
    except IntegrityError:
        raise NameTaken from None
    if isinstance(changed, Team):
        record(actor=None, action="team.rename", team=changed, target=changed, detail={"from": old})
    else:
        record(
            actor=None,
            action="organisation.rename",
            organisation=changed,
            target=changed,
            detail={"from": old},
        )
    tenant.name = name


@deletion
def delete_organisation(*, organisation: Organisation) -> None:
    """Delete an organisation without teams; raises HasTeams, so that one request never deletes test history."""
    organisation = held_whole(organisation)
    if organisation.teams.exists():
        raise HasTeams
    record(actor=None, action="organisation.delete", organisation=organisation, target=organisation)
    organisation.delete()


def delete_team(*, team: Team) -> None:
    """Delete a team and everything that it owns. If that fails half-way, the team is still there, with less in it.

    First its running executions end, and finished ones are deleted in batches. What is added meanwhile is deleted
    with the team itself.
    """
    team_goes.send(Team, team=team)
    _delete_rest(team)


@deletion
def _delete_rest(team: Team) -> None:
    remove_team(team=team)
    record(actor=None, action="team.delete", team=team, target=team)


def remove_team(*, team: Team) -> None:
    """Delete the team with what is left of it, in the transaction of the caller, who records it."""
    team = held_whole(team)
    team_is_held.send(Team, team=team)
    team.delete()


@retried
def add_to_organisation(
    *, organisation: Organisation, user: User, role: str, consented: bool
) -> OrganisationMembership:
    """Make the user a member; raises AlreadyMember.

    If `consented` is false, nobody asked the user: they are a member, but nobody here administers their account.
    """
    held(organisation)
    keep(user)
    member, added = OrganisationMembership.objects.get_or_create(
        organisation=organisation, user=user, defaults={"role": role, "consented": consented}
    )
    if not added:
        raise AlreadyMember
    _record_member("member.add", member, role=role)
    return member


@retried
def change_organisation_role(*, member: OrganisationMembership, role: str) -> None:
    """Give the member another role; raises LastOwner."""
    held(member.organisation)  # or two owners could remove each other at the same moment
    if role != OWNER:
        _keep_an_owner(member)
    _change_role(member, role)


@retried
def remove_from_organisation(*, member: OrganisationMembership) -> None:
    """Remove the member from the organisation and from all its teams; raises LastOwner."""
    held(member.organisation)
    _refuse_other_role(member)
    _keep_an_owner(member)
    _record_member("member.remove", member, role=member.role)
    TeamMembership.objects.filter(user=member.user_id, team__organisation=member.organisation_id).delete()
    member.delete()


@retried
def add_to_team(*, team: Team, user: User, role: str) -> TeamMembership:
    """Make the user a member of the team; raises NotInOrganisation, AlreadyMember."""
    held(team.organisation)  # or they could leave it at this moment
    held(team)
    if not OrganisationMembership.objects.filter(organisation=team.organisation_id, user=user).exists():
        raise NotInOrganisation
    member, added = TeamMembership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if not added:
        raise AlreadyMember
    _record_member("member.add", member, role=role)
    return member


@retried
def change_team_role(*, member: TeamMembership, role: str) -> None:
    """Give the member of a team another role."""
    held(member.team)
    _change_role(member, role)


@retried
def remove_from_team(*, member: TeamMembership) -> None:
    """Remove the member from the team."""
    held(member.team)
    _refuse_other_role(member)
    _record_member("member.remove", member, role=member.role)
    member.delete()


def _change_role(member: OrganisationMembership | TeamMembership, role: str) -> None:
    _refuse_other_role(member)
    _record_member("member.change_role", member, role=role, **{"from": member.role})
    changed = held(member)
    changed.role = role
    changed.save(update_fields=["role"])
    member.role = role


def _refuse_other_role(member: OrganisationMembership | TeamMembership) -> None:
    """Lock the membership; raise Overtaken if its role has changed since the caller was allowed."""
    if held_whole(member).role != member.role:
        raise Overtaken("Somebody else changed the member's role at the same moment.")


def _record_member(action: str, member: OrganisationMembership | TeamMembership, **detail: str) -> None:
    if isinstance(member, TeamMembership):
        record(actor=None, action=action, team=member.team, target=member.user, detail=detail)
    else:
        record(actor=None, action=action, organisation=member.organisation, target=member.user, detail=detail)


def _keep_an_owner(member: OrganisationMembership) -> None:
    owners = OrganisationMembership.objects.filter(organisation=member.organisation_id, role=OWNER)
    if list(owners.values_list("pk", flat=True)) == [member.pk]:
        raise LastOwner
