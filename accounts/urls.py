"""Pages of the `accounts` app."""

from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, path

from accounts.mail.links import Purpose
from accounts.pages import organisations as organisation_pages
from accounts.pages import people as people_pages
from accounts.pages import profile as profile_pages
from accounts.pages import teams as team_pages
from accounts.pages import tokens as token_pages
from accounts.pages.audit import audit_page
from accounts.pages.current_team import switch_team
from accounts.pages.mail_links import ConfirmAddress, FollowLink, ResetPassword, TakeUpInvitation
from accounts.pages.registration import ForgotPassword, Register, SendConfirmation
from accounts.pages.sign_in import SignIn

LINKS = {
    Purpose.CONFIRM: ConfirmAddress,
    Purpose.RESET: ResetPassword,
    Purpose.INVITE: TakeUpInvitation,
}

urlpatterns: list[URLPattern | URLResolver] = [
    path("sign-in", SignIn.as_view(), name="sign-in"),
    path("sign-out", LogoutView.as_view(), name="sign-out"),
    path("register", Register.as_view(), name="register"),
    path("confirm-address/send", SendConfirmation.as_view(), name="send-confirmation"),
    path("forgot-password", ForgotPassword.as_view(), name="forgot-password"),
    # Links carry a token and lead on to the page of the same name without it.
    *(path(str(purpose), view.as_view(), name=str(purpose)) for purpose, view in LINKS.items()),
    *(
        path(f"{purpose}/<str:token>", FollowLink.as_view(purpose=purpose), name=str(purpose))
        for purpose in LINKS
    ),
    path("profile", profile_pages.Profile.as_view(), name="profile-page"),
    path("profile/password", profile_pages.ChangePassword.as_view(), name="change-password"),
    path("profile/sign-out-everywhere", profile_pages.sign_out_everywhere, name="sign-out-everywhere"),
    path("profile/tokens", token_pages.tokens_page, name="tokens-page"),
    path("profile/tokens/<uuid:pk>/revoke", token_pages.revoke_token, name="revoke-token"),
    path("switch-team", switch_team, name="switch-team"),
    path("organisations", organisation_pages.organisations_page, name="organisations"),
    path("organisations/<uuid:pk>", organisation_pages.organisation_page, name="organisation"),
    path(
        "organisations/<uuid:pk>/delete", organisation_pages.delete_organisation, name="delete-organisation"
    ),
    path("organisations/<uuid:pk>/teams", organisation_pages.add_team, name="add-team"),
    path("organisations/<uuid:pk>/members", organisation_pages.add_member, name="add-organisation-member"),
    path(
        "organisations/<uuid:pk>/members/<uuid:user_id>",
        organisation_pages.change_member,
        name="change-organisation-member",
    ),
    path("teams/<uuid:pk>", team_pages.team_page, name="team"),
    path("teams/<uuid:pk>/retention", team_pages.change_team_retention, name="team-retention"),
    path("teams/<uuid:pk>/delete", team_pages.delete_team, name="delete-team"),
    path("teams/<uuid:pk>/members", team_pages.add_member, name="add-team-member"),
    path("teams/<uuid:pk>/members/<uuid:user_id>", team_pages.change_member, name="change-team-member"),
    path("audit-log", audit_page, name="audit-log-page"),
    path("people", people_pages.people_page, name="people"),
    path("people/<uuid:pk>", people_pages.person_page, name="person"),
    path("people/<uuid:pk>/switch", people_pages.switch, name="switch-person"),
    path("people/<uuid:pk>/reset-password", people_pages.send_reset, name="send-reset"),
    path("invitations/<uuid:pk>/send", people_pages.send_invitation, name="send-invitation"),
    path("invitations/<uuid:pk>/revoke", people_pages.revoke_invitation, name="revoke-invitation"),
]
