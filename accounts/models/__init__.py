"""The tables of accounts: users and tenancy. Organisations own teams; everything else belongs to one team."""

from accounts.models.audit_events import AuditEvent
from accounts.models.base import ServiceModel, new_id
from accounts.models.invitations import Invitation
from accounts.models.organisations import Organisation, OrganisationMembership
from accounts.models.teams import Team, TeamMembership
from accounts.models.tenancy import TenantQuerySet
from accounts.models.tokens import ApiToken
from accounts.models.users import AnyUser, User

__all__ = [
    "AnyUser",
    "ApiToken",
    "AuditEvent",
    "Invitation",
    "Organisation",
    "OrganisationMembership",
    "ServiceModel",
    "Team",
    "TeamMembership",
    "TenantQuerySet",
    "User",
    "new_id",
]
