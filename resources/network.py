"""Where the flows of a team may connect to, and how much they may read: the rules of installation and organisation."""

from functools import lru_cache
from uuid import UUID

from django.conf import settings

from resources.limits.effective import Limits, grant_of_team
from steprunners.network import NetworkPolicy


def policy_of(team_id: UUID) -> NetworkPolicy:
    """Return the policy of the team's organisation.

    What NETWORK_ALLOWED and the organisation's own list allow, within its limits. Equal rules give the same object,
    which is what kept connections are looked up by.
    """
    grant = grant_of_team(team_id)
    # The settings are arguments, so that a process that changes them (a test) gets what holds now.
    allowed = (*settings.NETWORK_ALLOWED, *grant.network_allowed)
    return _policy(allowed, settings.NETWORK_DENY_PRIVATE, settings.SQLITE_FOLDER, grant.limits)


@lru_cache(maxsize=1_024)
def _policy(
    allowed: tuple[str, ...], deny_private: bool, sqlite_folder: str, limits: Limits
) -> NetworkPolicy:
    return NetworkPolicy(
        allowed=allowed,
        deny_private=deny_private,
        max_body_bytes=limits.response_bytes,
        sqlite_folder=sqlite_folder or None,
        max_rows=limits.rows,
        max_messages=limits.messages,
    )
