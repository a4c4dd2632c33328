"""The limits of one organisation, where they differ from the installation's.

Only administrators of the installation write these rows: an owner of an organisation must not be able to open the
installation's own network, or to take more of its workers.
"""

from __future__ import annotations

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from accounts.models import AnyUser, Organisation, ServiceModel
from steprunners.network.policy import parse_entry

#: More entries than this are no exceptions any more, and each is looked at for each connection.
MOST_ENTRIES = 200
LONGEST_ENTRY = 260


def check_allowed(text: str) -> None:
    """Raise ValidationError, naming each line that is not an entry of an allow list."""
    entries = entries_of(text)
    problems = [problem for entry in entries if (problem := _why_not(entry))]
    if len(entries) > MOST_ENTRIES:
        problems.append(f"At most {MOST_ENTRIES} entries; use a CIDR or *.domain.")
    if problems:
        raise ValidationError(problems, "invalid")


def entries_of(text: str) -> list[str]:
    """Return the entries of the text: one a line, without blank ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _why_not(entry: str) -> str | None:
    if len(entry) > LONGEST_ENTRY:
        return f"'{entry[:40]}…' is too long."
    try:
        parse_entry(entry)
    except ValueError as error:
        return (
            f"{error}: write shop.internal, *.internal, 10.1.0.0/16, each with a port if you like, or :8001."
        )
    return None


def limit(least: int, most: int, text: str) -> Any:
    """Return the column of a limit from `least` to `most`; empty means the installation's limit."""
    return models.PositiveBigIntegerField(
        null=True, blank=True, help_text=text, validators=[MinValueValidator(least), MaxValueValidator(most)]
    )


class LimitsQuerySet(models.QuerySet["OrganisationLimits"]):
    """Queries that start from a user."""

    def visible_to(self, user: AnyUser) -> Self:
        """Return the limits of the user's organisations."""
        return self.filter(organisation__in=Organisation.objects.visible_to(user).values("pk"))


class OrganisationLimits(ServiceModel):
    """The limits of one organisation; an empty field means the installation's limit."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.CASCADE, primary_key=True, related_name="limits"
    )
    network_allowed = models.TextField(
        blank=True,
        default="",
        validators=[check_allowed],
        help_text="Where its flows may connect to besides public addresses, one a line: shop.internal, "
        "*.internal, 10.1.0.0/16, 10.1.2.3:5432 or :8001. Metadata addresses never, whatever is written here.",
    )
    request_bytes = limit(
        1_000, 2**31 - 1, "Bytes of a request's body, at most the installation's own limit."
    )
    steps_per_flow = limit(1, 20_000, "Steps of a flow, inline ones included.")
    response_bytes = limit(1_000, 2**31 - 1, "Bytes of one answer of a tested system, decoded.")
    rows = limit(1, 100_000, "Rows that one sql step reads.")
    messages = limit(1, 10_000, "Messages that one kafka_subscribe step collects.")
    pattern_length = limit(10, 1_000, "Characters of a regular expression or a JSONPath.")
    execution_seconds = limit(1, 90 * 86_400, "Seconds that an execution may last; clean-up comes on top.")
    concurrent_executions = limit(1, 1_000_000, "Executions under way at once; more wait for their turn.")
    waiting_executions = limit(0, 1_000_000, "Executions that may wait for their turn; more are refused.")
    runs_per_minute = limit(1, 1_000_000, "Executions started in 60 seconds; more are refused.")
    web_sockets = limit(1, 1_000_000, "Live streams that are open at once.")
    resource_checks = limit(1, 1_000, "Checks of resources under way at once in a web process.")
    changed_at = models.DateTimeField(auto_now=True)

    objects = LimitsQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "limits of organisations"
        ordering = ("organisation__name",)

    def __str__(self) -> str:
        return f"Limits of {self.organisation}"


def help_of(name: str) -> str:
    """Return what the limit of this name means, in words."""
    column: Any = OrganisationLimits._meta.get_field(name)
    return str(column.help_text)
