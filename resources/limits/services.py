"""The only writer of an organisation's limits besides the admin, and who may write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.audit.log import record
from accounts.models import AnyUser, Organisation, User
from accounts.transactions import held, retried
from resources.limits.models import OrganisationLimits

PERMISSION = "resources.change_organisationlimits"


def may_change_limits(user: AnyUser) -> bool:
    """Return whether the user administers the installation; no role in an organisation is enough."""
    return user.is_active and user.is_staff and user.has_perm(PERMISSION)


@retried
def change_limits(
    *, organisation: Organisation, user: User, changes: Mapping[str, Any]
) -> OrganisationLimits:
    """Set these limits of the organisation; None means the installation's. Raises ValidationError (Django's)."""
    held(organisation)
    row, _ = OrganisationLimits.objects.get_or_create(organisation=organisation)
    for name, value in changes.items():
        setattr(row, name, value)
    row.full_clean()
    row.save()
    record(
        actor=user,
        action="organisation.limits",
        organisation=organisation,
        target=organisation,
        detail=dict(changes),
    )
    return row
