"""Brings the lab's flows into the demo team, with an environment that knows where the lab listens."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.models import Team, User
from flows.documents.document import parse_body
from flows.models import Flow
from flows.selectors import check_for_team, load_document, newest_version
from flows.services import create_flow, save_version
from resources.models import Environment

FILES = ("order-is-fulfilled.yaml", "bad-order-is-refused.yaml")
#: The flow that shows most, and the resources that it needs.
WHOLE_TOUR = "order-reaches-every-system.yaml"
TOUR_NEEDS = {"shop-db", "shop-kafka", "shop-cache"}
ENVIRONMENT = "lab"
ADDRESS_VARIABLE = "base_url"
LOOPBACK_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@transaction.atomic
def ensure_lab_environment(*, team: Team, user: User, lab_url: str) -> Environment:
    """Return the environment `lab`, whose `base_url` is the lab's address."""
    environment, _ = Environment.objects.get_or_create(
        team=team,
        name=ENVIRONMENT,
        defaults={"created_by": user, "description": "The demo shop beside the service"},
    )
    others = [variable for variable in environment.variables if variable["name"] != ADDRESS_VARIABLE]
    variables = [{"name": ADDRESS_VARIABLE, "type": "string", "value": lab_url}, *others]
    if environment.variables != variables:
        environment.variables = variables
        environment.save(update_fields=["variables", "updated_at"])
    return environment


def ensure_lab_flows(
    *, team: Team, user: User, lab_url: str, resources: Collection[str] = frozenset()
) -> Flow | None:
    """Make the lab's flows once, and keep their default address right; return the first (None: deleted).

    The one that visits every system comes first, where the team's `resources` are all that it needs.
    A flow that somebody changed or deleted stays so: only a default that points to an earlier lab follows it.
    """
    files = (WHOLE_TOUR, *FILES) if set(resources) >= TOUR_NEEDS else FILES
    flows = [_ensure_flow(team=team, user=user, lab_url=lab_url, file=name) for name in files]
    return flows[0]


def _ensure_flow(*, team: Team, user: User, lab_url: str, file: str) -> Flow | None:
    path: Path = settings.BASE_DIR / "lab" / file
    raw = parse_body(path.read_bytes(), "application/yaml")
    known = Flow.objects.filter(team=team, name=raw["name"]).order_by("created_at").first()
    if known is None:
        return create_flow(team=team, user=user, document=check_for_team(team, _pointed_at(lab_url, raw)))
    if known.deleted_at is not None:
        return None
    document = load_document(newest_version(known)).to_json()
    if _pointed_at(lab_url, document) != document:
        moved = check_for_team(team, _pointed_at(lab_url, document), flow=known)
        save_version(flow=known, user=user, document=moved)
    return known


def _pointed_at(lab_url: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the lab's address as the default of `base_url`, where that was loopback."""
    variables = [
        variable | {"defaultValue": lab_url}
        if variable["name"] == ADDRESS_VARIABLE
        and LOOPBACK_ADDRESS.fullmatch(str(variable.get("defaultValue")))
        else variable
        for variable in document.get("variables", [])
    ]
    return document | {"variables": variables}
