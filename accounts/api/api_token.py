"""`Authorization: Token ats_…`: API tokens, and the one place that says what they may do where."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services.tokens import TokenExpired, TokenInvalid, find_token

Scope = ApiToken.Scope

KEYWORD = b"token"
API = "/api/v1/"
#: What a POST to an address with this end asks for; everything else that is no mere look writes.
ENDS = {
    "run": Scope.RUN,
    "rerun": Scope.RUN,
    "cancel": Scope.RUN,
    "check": Scope.RUN,
    "fire": Scope.RUN,
    "validate": Scope.READ,
}
#: Accounts are administered by people: a stolen token must not grow into more than it is.
FOR_PEOPLE = frozenset({"tokens", "auth"})
CHANGED_BY_PEOPLE = frozenset({"profile", "users", "organisations", "teams", "invitations"})


class ApiTokenAuthentication(BaseAuthentication):
    """Signs in the user of a token, for what its scopes cover."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the user and the token; raises AuthenticationFailed, or PermissionDenied where the scope is wrong."""
        secret = _secret(request)
        if secret is None:
            return None
        try:
            token = find_token(secret)
        except TokenExpired:
            raise AuthenticationFailed(
                "The API token has expired. Create a new one.", "token_expired"
            ) from None
        except TokenInvalid:
            raise AuthenticationFailed("This API token does not exist.", "token_not_valid") from None
        _check_scope(token, needed_scope(request.method or "", request.path_info))
        return token.user, token

    def authenticate_header(self, _request: Request) -> str:
        """Return the scheme, so that a refusal is a 401."""
        return 'Token realm="api"'


def needed_scope(method: str, path: str) -> Scope | None:
    """Return the scope that a request needs; None where no token will do."""
    parts = path.removeprefix(API).strip("/").split("/")
    if parts[0] in FOR_PEOPLE:
        return None
    if method in SAFE_METHODS:
        return Scope.READ
    if parts[0] in CHANGED_BY_PEOPLE:
        return None
    return ENDS.get(parts[-1], Scope.WRITE) if method == "POST" else Scope.WRITE


def _check_scope(token: ApiToken, needed: Scope | None) -> None:
    if needed is None:
        raise PermissionDenied("API tokens are not accepted here. Sign in instead.", "token_not_accepted")
    if needed not in token.scopes:
        raise PermissionDenied(f"The API token needs the scope {needed.value} for this.", "wrong_scope")


def _secret(request: Request) -> str | None:
    """Return what follows the keyword; None where another scheme, or none, is used."""
    parts = get_authorization_header(request).split()
    if not parts or parts[0].lower() != KEYWORD:
        return None
    if len(parts) != 2:
        raise AuthenticationFailed("Send `Authorization: Token ats_…`.", "token_not_valid")
    return parts[1].decode("latin-1")


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass has no types
    """Describes the scheme in the OpenAPI document."""

    target_class = ApiTokenAuthentication
    name = "apiToken"

    def get_security_definition(self, _auto_schema: object) -> dict[str, str]:
        """Return the scheme."""
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "`Token ats_…`: an API token.",
        }
