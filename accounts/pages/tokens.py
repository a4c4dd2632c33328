"""The page of the user's API tokens."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import ApiToken
from accounts.pages.member_forms import TokenForm
from accounts.pages.profile import asking
from accounts.services import tokens


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens_page(request: HttpRequest) -> HttpResponse:
    """Show the tokens; POST makes one and shows it in its answer, since nothing keeps it."""
    user = asking(request)
    if request.method != "POST":
        return _show(request, TokenForm(user))
    form = TokenForm(user, request.POST)
    if not form.is_valid():
        return _show(request, form)
    try:
        token, secret = tokens.create_token(user=user, **form.wanted())
    except tokens.TooManyTokens:
        form.add_error(None, f"You have {tokens.MOST_TOKENS} tokens, the most allowed. Revoke one first.")
        return _show(request, form)
    return _show(request, TokenForm(user), made=token, secret=secret)


@login_required
@require_POST
def revoke_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End a token of the user."""
    token = get_object_or_404(ApiToken.objects.visible_to(request.user).select_related("user", "team"), pk=pk)
    tokens.revoke_token(token=token)
    messages.success(request, f"The token {token.name} was revoked.")
    return redirect("tokens-page")


def _show(request: HttpRequest, form: TokenForm, **more: object) -> HttpResponse:
    own = ApiToken.objects.visible_to(request.user).select_related("team__organisation")
    context = {"form": form, "tokens": own, "section": "profile", **more}
    return render(request, "accounts/tokens.html", context)
