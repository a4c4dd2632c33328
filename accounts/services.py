"""The only writer of organisations, teams and memberships.

Who may call what is asked before, by `permissions`; what must hold whoever calls is checked here: names are
free, an organisation keeps an owner, members of a team are members of its organisation. Every change is in the
audit log, by whoever's request is in hand.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.audit import record
from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from accounts.signals import team_goes

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
    """The user is no member of the team's organisation."""


@transaction.atomic
def create_organisation(*, name: str, owner: User) -> Organisation:
    """Create an organisation with its first owner; raises NameTaken."""
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(name=name)
    except IntegrityError:
        raise NameTaken from None
    OrganisationMembership.objects.create(organisation=organisation, user=owner, role=OWNER)
    record(actor=owner, action="organisation.create", organisation=organisation, target=organisation)
    return organisation


@transaction.atomic
def create_team(*, organisation: Organisation, name: str, creator: User) -> Team:
    """Create a team with its creator as ADMIN; raises NameTaken."""
    try:
        with transaction.atomic():
            team = Team.objects.create(organisation=organisation, name=name)
    except IntegrityError:
        raise NameTaken from None
    TeamMembership.objects.create(team=team, user=creator, role=TeamMembership.Role.ADMIN)
    record(actor=creator, action="team.create", team=team, target=team)
    return team


@transaction.atomic
def rename(*, tenant: Organisation | Team, name: str) -> None:
    """Give an organisation or a team another name; raises NameTaken."""
    old, tenant.name = tenant.name, name
    try:
        with transaction.atomic():
            tenant.save(update_fields=["name"])
    except IntegrityError:
        raise NameTaken from None
    if isinstance(tenant, Team):
        record(actor=None, action="team.rename", team=tenant, target=tenant, detail={"from": old})
    else:
        record(
            actor=None,
            action="organisation.rename",
            organisation=tenant,
            target=tenant,
            detail={"from": old},
        )


@transaction.atomic
def delete_organisation(*, organisation: Organisation) -> None:
    """Delete an organisation without teams; raises HasTeams, so that no test history goes by one request."""
    if organisation.teams.exists():
        raise HasTeams
    record(actor=None, action="organisation.delete", organisation=organisation, target=organisation)
    organisation.delete()


def delete_team(*, team: Team) -> None:
    """Delete a team and everything that it owns; where that ends half-way it is there still, with less."""
    team_goes.send(Team, team=team)
    with transaction.atomic():
        record(actor=None, action="team.delete", team=team, target=team)
        team.delete()


@transaction.atomic
def add_to_organisation(
    *, organisation: Organisation, user: User, role: str, consented: bool
) -> OrganisationMembership:
    """Make the user a member; raises AlreadyMember.

    Whoever was added without being asked (`consented` is false) is a member whose account stays their own.
    """
    member, added = OrganisationMembership.objects.get_or_create(
        organisation=organisation, user=user, defaults={"role": role, "consented": consented}
    )
    if not added:
        raise AlreadyMember
    _record_member("member.add", member, role=role)
    return member


@transaction.atomic
def change_organisation_role(*, member: OrganisationMembership, role: str) -> None:
    """Give the member another role; raises LastOwner."""
    if role != OWNER:
        _keep_an_owner(member)
    _change_role(member, role)


@transaction.atomic
def remove_from_organisation(*, member: OrganisationMembership) -> None:
    """Remove the member from the organisation and from all its teams; raises LastOwner."""
    _keep_an_owner(member)
    _record_member("member.remove", member, role=member.role)
    TeamMembership.objects.filter(user=member.user_id, team__organisation=member.organisation_id).delete()
    member.delete()


@transaction.atomic
def add_to_team(*, team: Team, user: User, role: str) -> TeamMembership:
    """Make the user a member of the team; raises NotInOrganisation, AlreadyMember."""
    if not OrganisationMembership.objects.filter(organisation=team.organisation_id, user=user).exists():
        raise NotInOrganisation
    member, added = TeamMembership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if not added:
        raise AlreadyMember
    _record_member("member.add", member, role=role)
    return member


@transaction.atomic
def change_team_role(*, member: TeamMembership, role: str) -> None:
    """Give the member of a team another role."""
    _change_role(member, role)


@transaction.atomic
def remove_from_team(*, member: TeamMembership) -> None:
    """Remove the member from the team."""
    _record_member("member.remove", member, role=member.role)
    member.delete()


def _change_role(member: OrganisationMembership | TeamMembership, role: str) -> None:
    _record_member("member.change_role", member, role=role, **{"from": member.role})
    member.role = role
    member.save(update_fields=["role"])


def _record_member(action: str, member: OrganisationMembership | TeamMembership, **detail: str) -> None:
    if isinstance(member, TeamMembership):
        record(actor=None, action=action, team=member.team, target=member.user, detail=detail)
    else:
        record(actor=None, action=action, organisation=member.organisation, target=member.user, detail=detail)


def _keep_an_owner(member: OrganisationMembership) -> None:
    # The lock on the organisation keeps two owners from removing each other at the same moment.
    Organisation.objects.select_for_update().get(pk=member.organisation_id)
    owners = OrganisationMembership.objects.filter(organisation=member.organisation_id, role=OWNER)
    if list(owners.values_list("pk", flat=True)) == [member.pk]:
        raise LastOwner
