"""REST routes of the `accounts` app, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from accounts.api import account_urls
from accounts.api.views.audit_log import AuditLog
from accounts.api.views.members import OrganisationMember, OrganisationMembers, TeamMember, TeamMembers
from accounts.api.views.organisations import Organisations, OrganisationTeams, Teams
from accounts.api.views.sessions import Login, Logout, Refresh
from accounts.api.views.tokens import Tokens
from accounts.api.views.users import Profile, Users

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
for prefix, viewset in (("users", Users), ("organisations", Organisations), ("teams", Teams)):
    router.register(prefix, viewset)
router.register("tokens", Tokens, basename="token")
router.register("audit-log", AuditLog, basename="audit-log")

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/login", Login.as_view(), name="login"),
    path("auth/refresh", Refresh.as_view(), name="refresh"),
    path("auth/logout", Logout.as_view(), name="logout"),
    *account_urls.urlpatterns,
    path("profile", Profile.as_view(), name="profile"),
    path("organisations/<uuid:pk>/teams", OrganisationTeams.as_view(), name="organisation-teams"),
    path("organisations/<uuid:pk>/members", OrganisationMembers.as_view(), name="organisation-members"),
    path(
        "organisations/<uuid:pk>/members/<uuid:user_id>",
        OrganisationMember.as_view(),
        name="organisation-member",
    ),
    path("teams/<uuid:pk>/members", TeamMembers.as_view(), name="team-members"),
    path("teams/<uuid:pk>/members/<uuid:user_id>", TeamMember.as_view(), name="team-member"),
    *router.urls,
]
