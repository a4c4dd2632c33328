"""How much somebody may do, as one ladder: who may do something, so may everybody above."""

from __future__ import annotations

from enum import IntEnum


class Rank(IntEnum):
    """Roles in a team and in an organisation, from the least to the most.

    ANYBODY needs no login; USER is signed in and a stranger to the tenant. Of an organisation a plain member is
    VIEWER; who rules it is TEAM_ADMIN of its teams. INSTALLATION, its administrator, is on top of no tenant.
    """

    ANYBODY = 0
    USER = 1
    VIEWER = 2
    EDITOR = 3
    TEAM_ADMIN = 4
    ORG_ADMIN = 5
    OWNER = 6
    INSTALLATION = 7
