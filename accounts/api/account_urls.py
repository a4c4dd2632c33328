"""REST routes about accounts: registration, passwords, invitations."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from accounts.api.views.invitations import Invitations
from accounts.api.views.passwords import ChangePassword, ForgotPassword, ResetPassword, SignOutEverywhere
from accounts.api.views.registration import AcceptInvitation, ConfirmAddress, Register, SendConfirmation

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("invitations", Invitations)

urlpatterns: list[URLPattern | URLResolver] = [
    path("auth/register", Register.as_view(), name="api-register"),
    path("auth/verify-email", ConfirmAddress.as_view(), name="api-verify-email"),
    path("auth/verify-email/send", SendConfirmation.as_view(), name="api-verify-email-send"),
    path("auth/accept-invitation", AcceptInvitation.as_view(), name="api-accept-invitation"),
    path("auth/forgot-password", ForgotPassword.as_view(), name="api-forgot-password"),
    path("auth/reset-password", ResetPassword.as_view(), name="api-reset-password"),
    path("profile/password", ChangePassword.as_view(), name="api-change-password"),
    path("profile/sign-out-everywhere", SignOutEverywhere.as_view(), name="api-sign-out-everywhere"),
    *router.urls,
]
