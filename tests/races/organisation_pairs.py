"""Pairs about organisations and their members."""

from __future__ import annotations

from accounts.models import Organisation, OrganisationMembership, Team, TeamMembership, User
from resources.limits.models import OrganisationLimits
from tests.races.racing import Answer, api
from tests.races.rounds import Round, gone_or_changed, once, pair
from tests.races.stage import Role, Stage


@pair("organisation DELETE, organisation DELETE")
def organisation_twice(at: Stage) -> Round:
    made = at.new_organisation()
    ask = at.ask("DELETE", f"organisations/{made.pk}")
    return Round(ask, ask, lambda a, b: once("organisation.delete", made, a, b))


@pair("organisation DELETE, team POST")
def organisation_and_team(at: Stage) -> Round:
    made = at.new_organisation()
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    post = at.ask("POST", "teams", {"name": "A team", "organisationId": str(made.pk)})

    def check(deleted: Answer, posted: Answer) -> None:
        assert deleted.ok is not posted.ok, (deleted, posted)
        assert Team.objects.filter(organisation=made).exists() is posted.ok

    return Round(delete, post, check)


@pair("organisation DELETE, organisation PATCH")
def organisation_and_rename(at: Stage) -> Round:
    made = at.new_organisation()
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    patch = at.ask("PATCH", f"organisations/{made.pk}", {"name": at.name("Renamed")})
    return Round(delete, patch, lambda deleted, _: gone_or_changed(made, deleted))


@pair("organisation DELETE, member POST")
def organisation_and_member(at: Stage) -> Round:
    made = at.new_organisation()
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    post = at.ask("POST", f"organisations/{made.pk}/members", {"userId": str(at.bob.pk), "role": "MEMBER"})
    return Round(delete, post, lambda deleted, _: gone_or_changed(made, deleted))


@pair("organisation DELETE, limits PATCH")
def organisation_and_limits(at: Stage) -> Round:
    made = at.new_organisation()
    User.objects.filter(pk=at.alice.pk).update(is_staff=True, is_superuser=True)
    delete = at.ask("DELETE", f"organisations/{made.pk}")
    patch = at.ask("PATCH", f"organisations/{made.pk}/limits", {"rows": 7})

    def check(deleted: Answer, _: Answer) -> None:
        gone_or_changed(made, deleted)
        assert not (deleted.ok and OrganisationLimits.objects.filter(pk=made.pk).exists())

    return Round(delete, patch, check)


@pair("limits PATCH, limits PATCH")
def limits_twice(at: Stage) -> Round:
    made = at.new_organisation()
    User.objects.filter(pk=at.alice.pk).update(is_staff=True, is_superuser=True)
    first = at.ask("PATCH", f"organisations/{made.pk}/limits", {"rows": 7})
    second = at.ask("PATCH", f"organisations/{made.pk}/limits", {"messages": 8})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        assert OrganisationLimits.objects.filter(pk=made.pk, rows=7, messages=8).exists()

    return Round(first, second, check)


@pair("organisation POST, organisation POST")
def organisations_of_a_name(at: Stage) -> Round:
    name = at.name("Same")
    ask = at.ask("POST", "organisations", {"name": name})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok, (a, b)
        assert Organisation.objects.filter(name=name).count() == 1

    return Round(ask, ask, check)


@pair("owner removes themselves, the other owner too")
def last_owner(at: Stage) -> Round:
    made = at.new_organisation()
    OrganisationMembership.objects.create(organisation=made, user=at.bob, role=Role.OWNER)
    first, second = (
        api(each, "DELETE", f"organisations/{made.pk}/members/{each.pk}") for each in (at.alice, at.bob)
    )

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok, (a, b)
        assert made.memberships.filter(role=Role.OWNER).count() == 1

    return Round(first, second, check)


@pair("owner steps down, the other owner is removed")
def last_owner_steps_down(at: Stage) -> Round:
    made = at.new_organisation()
    OrganisationMembership.objects.create(organisation=made, user=at.bob, role=Role.OWNER)
    down = at.ask("PATCH", f"organisations/{made.pk}/members/{at.alice.pk}", {"role": "MEMBER"})
    leave = api(at.bob, "DELETE", f"organisations/{made.pk}/members/{at.bob.pk}")

    def check(*_: Answer) -> None:
        assert made.memberships.filter(role=Role.OWNER).exists()

    return Round(down, leave, check)


@pair("member DELETE, member DELETE")
def member_twice(at: Stage) -> Round:
    user = at.member()
    ask = at.ask("DELETE", f"organisations/{at.organisation.pk}/members/{user.pk}")
    return Round(ask, ask, lambda a, b: once("member.remove", user, a, b))


@pair("member DELETE, member PATCH")
def member_removed_and_changed(at: Stage) -> Round:
    user = at.member()
    path = f"organisations/{at.organisation.pk}/members/{user.pk}"

    def check(removed: Answer, _: Answer) -> None:
        assert at.organisation.memberships.filter(user=user).exists() is not removed.ok

    return Round(at.ask("DELETE", path), at.ask("PATCH", path, {"role": "ADMIN"}), check)


@pair("member DELETE, team member POST")
def member_removed_and_placed(at: Stage) -> Round:
    user, team = at.member(), at.new_team()
    remove = at.ask("DELETE", f"organisations/{at.organisation.pk}/members/{user.pk}")
    place = at.ask("POST", f"teams/{team.pk}/members", {"userId": str(user.pk), "role": "VIEWER"})

    def check(removed: Answer, _: Answer) -> None:
        assert removed.ok
        assert not TeamMembership.objects.filter(user=user).exists()

    return Round(remove, place, check)


@pair("member POST, member POST")
def member_added_twice(at: Stage) -> Round:
    made = at.new_organisation()
    ask = at.ask("POST", f"organisations/{made.pk}/members", {"userId": str(at.bob.pk), "role": "MEMBER"})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok
        assert made.memberships.count() == 2

    return Round(ask, ask, check)
