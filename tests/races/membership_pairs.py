"""Pairs about teams and their members."""

from __future__ import annotations

from accounts.models import ApiToken
from tests.races.racing import Answer
from tests.races.rounds import Round, gone_or_changed, once, pair
from tests.races.stage import Stage


@pair("team DELETE, team DELETE")
def team_twice(at: Stage) -> Round:
    made = at.new_team()
    ask = at.ask("DELETE", f"teams/{made.pk}")
    return Round(ask, ask, lambda a, b: once("team.delete", made, a, b))


@pair("team DELETE, team PATCH")
def team_and_rename(at: Stage) -> Round:
    made = at.new_team()
    patch = at.ask("PATCH", f"teams/{made.pk}", {"name": at.name("Renamed"), "keepResultsDays": 3})
    return Round(
        at.ask("DELETE", f"teams/{made.pk}"), patch, lambda deleted, _: gone_or_changed(made, deleted)
    )


@pair("team PATCH, team PATCH")
def team_changed_twice(at: Stage) -> Round:
    made = at.new_team()
    first = at.ask("PATCH", f"teams/{made.pk}", {"keepResultsDays": 3})
    second = at.ask("PATCH", f"teams/{made.pk}", {"name": at.name("Renamed")})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok
        assert b.ok
        made.refresh_from_db()
        assert made.keep_results_days == 3
        assert made.name.startswith("Renamed")

    return Round(first, second, check)


@pair("team POST, team POST")
def teams_of_a_name(at: Stage) -> Round:
    name = at.name("Same")
    ask = at.ask("POST", "teams", {"name": name, "organisationId": str(at.organisation.pk)})

    def check(a: Answer, b: Answer) -> None:
        assert a.ok is not b.ok
        assert at.organisation.teams.filter(name=name).count() == 1

    return Round(ask, ask, check)


@pair("team DELETE, team member POST")
def team_and_member(at: Stage) -> Round:
    made = at.new_team()
    post = at.ask("POST", f"teams/{made.pk}/members", {"userId": str(at.bob.pk), "role": "VIEWER"})
    return Round(
        at.ask("DELETE", f"teams/{made.pk}"), post, lambda deleted, _: gone_or_changed(made, deleted)
    )


@pair("team member DELETE, team member PATCH")
def team_member_removed_and_changed(at: Stage) -> Round:
    user = at.member()
    path = f"teams/{at.team.pk}/members/{user.pk}"

    def check(removed: Answer, _: Answer) -> None:
        assert at.team.memberships.filter(user=user).exists() is not removed.ok

    return Round(at.ask("DELETE", path), at.ask("PATCH", path, {"role": "EDITOR"}), check)


@pair("team member DELETE, team member DELETE")
def team_member_twice(at: Stage) -> Round:
    user = at.member()
    ask = at.ask("DELETE", f"teams/{at.team.pk}/members/{user.pk}")
    return Round(ask, ask, lambda a, b: once("member.remove", user, a, b))


@pair("team DELETE, token POST")
def team_and_token(at: Stage) -> Round:
    made, name = at.new_team(), at.name("Token")
    post = at.ask("POST", "tokens", {"name": name, "scopes": ["READ"], "teamId": str(made.pk)})

    def check(deleted: Answer, _: Answer) -> None:
        gone_or_changed(made, deleted)
        assert not (deleted.ok and ApiToken.objects.filter(name=name).exists())

    return Round(at.ask("DELETE", f"teams/{made.pk}"), post, check)


@pair("team DELETE, invitation POST")
def team_and_invitation(at: Stage) -> Round:
    made = at.new_team()
    body = {
        "email": f"{at.name('guest').replace(' ', '')}@x.example",
        "organisationId": str(at.organisation.pk),
    }
    post = at.ask("POST", "invitations", {**body, "teamId": str(made.pk)})
    return Round(
        at.ask("DELETE", f"teams/{made.pk}"), post, lambda deleted, _: gone_or_changed(made, deleted)
    )
