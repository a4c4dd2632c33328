"""The page of an organisation's limits: for its members to read."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Organisation
from resources.limits.effective import grant_of, installation_limits
from resources.limits.models import help_of


@require_safe
@login_required
@never_cache
def limits(request: HttpRequest, organisation_id: uuid.UUID) -> HttpResponse:
    """Show every limit that holds, and the organisation's exceptions to where flows may connect to."""
    organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=organisation_id)
    grant = grant_of(organisation)
    usual, own = installation_limits().to_json(), dict(grant.own)
    rows = [
        {
            "name": name.replace("_", " ").capitalize(),
            "meaning": help_of(name),
            "value": value,
            "usual": usual[name],
            "is_own": name in own,
        }
        for name, value in grant.limits.to_json().items()
    ]
    context = {"organisation": organisation, "rows": rows, "allowed": grant.network_allowed}
    return render(request, "resources/limits.html", context)
