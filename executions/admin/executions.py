"""Admin: executions, their steps and attempts, read-only and linked; run again and cancel.

Staff see the rows of their own teams, superusers all. Encrypted columns are not shown to anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from accounts.admin.scope import is_superuser
from accounts.models import User
from accounts.permissions import Action, may
from executions.admin import flows as flow_admin
from executions.admin.rows import RowsAdmin, json_column, link, list_link
from executions.engine.cancel import AlreadyOver, cancel_execution
from executions.models import Execution, ExecutionStep, StepAttempt
from executions.pages.run_list import as_uuid
from executions.selectors.executions import HIDDEN_OF_EXECUTION
from executions.selectors.search import with_name, with_name_anywhere
from executions.starting.admission import RunRefused
from executions.starting.rerun import rerun
from executions.states import Source
from steprunners.registry import step_types

#: Imported with this module, so that the list of flows gets its action.
FLOW_ADMIN = flow_admin

LARGE_OF_STEP = ("definition", "request", "response", "assertions", "extracted", "error")
#: The query parameter with which an execution links to the list of its steps.
OF_EXECUTION = "execution__id__exact"
ENCRYPTED_OF_STEP = ("state", "whole_response", "secret_extracts")
LARGE_OF_ATTEMPT = ("request", "response", "assertions", "error")


@admin.register(Execution)
class ExecutionAdmin(RowsAdmin[Execution]):
    """Runs, newest first."""

    list_display = (
        "short_id",
        "flow_link",
        "version_link",
        "status",
        "user",
        "source",
        "created_at",
        "duration",
    )
    list_filter = ("status", "source", "created_at")
    list_select_related = ("flow", "version__flow", "user")
    list_deferred = (*HIDDEN_OF_EXECUTION, "variables")
    search_fields = ("flow_name",)  # see `get_search_results`
    search_help_text = "An id, or words in the name of the flow."
    ordering = ("-created_at", "-id")
    sortable_by = ("created_at",)  # to sort a million rows by anything else takes seconds
    actions = ("run_again", "cancel")
    fields = (
        ("flow_link", "version_link", "flow_name", "flow_version"),
        ("status", "phase", "source", "user", "team"),
        ("steps_link", "parent", "rerun_of", "environment"),
        ("created_at", "started_at", "completed_at", "duration", "cancel_requested_at"),
        ("sequence", "look_at", "looks"),
        "labels_json",
        "variables_json",
        "error_json",
    )
    readonly_fields = (
        *("flow_link", "version_link", "duration", "steps_link"),
        *("labels_json", "variables_json", "error_json"),
    )
    labels_json = json_column("labels")
    variables_json = json_column("variables")
    error_json = json_column("error")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Execution], search_term: str
    ) -> tuple[QuerySet[Execution], bool]:
        """Find by the id, or by the flow's name."""
        if (pk := as_uuid(search_term)) is not None:
            return queryset.filter(pk=pk), False
        if is_superuser(request):
            return with_name_anywhere(queryset, search_term), False
        return with_name(queryset, search_term, request.user), False

    @admin.display(description="id", ordering="id")
    def short_id(self, execution: Execution) -> str:
        """Return the end of the id, which tells runs of the same second apart."""
        return str(execution.id)[-12:]

    @admin.display(description="flow", ordering="flow_name")
    def flow_link(self, execution: Execution) -> str:
        """Return a link to the flow."""
        return link(execution.flow, execution.flow_name) if execution.flow else execution.flow_name

    @admin.display(description="version", ordering="flow_version")
    def version_link(self, execution: Execution) -> str:
        """Return a link to the version that ran."""
        return link(execution.version, execution.flow_version) if execution.version else "draft"

    @admin.display(description="duration", ordering="duration_ms")
    def duration(self, execution: Execution) -> str:
        """Return the duration in seconds."""
        return "-" if execution.duration_ms is None else f"{execution.duration_ms / 1000:.3f} s"

    @admin.display(description="steps")
    def steps_link(self, execution: Execution) -> str:
        """Return a link to the steps."""
        return list_link(ExecutionStep, "steps", execution__id__exact=execution.pk)

    @admin.action(description="Run again", permissions=["view"])
    def run_again(self, request: HttpRequest, executions: QuerySet[Execution]) -> None:
        """Start each again, from its start."""

        def again(execution: Execution, user: User) -> str:
            return f"started {rerun(execution=execution, user=user, source=Source.ADMIN).pk}"

        self._each(request, executions, again)

    @admin.action(description="Cancel", permissions=["view"])
    def cancel(self, request: HttpRequest, executions: QuerySet[Execution]) -> None:
        """Cancel each execution that has not ended."""

        def cancelled(execution: Execution, _user: User) -> str:
            cancel_execution(execution)
            return "is being cancelled"

        self._each(request, executions, cancelled)

    def _each(
        self,
        request: HttpRequest,
        executions: QuerySet[Execution],
        act: Callable[[Execution, User], str],
    ) -> None:
        user = request.user
        if not isinstance(user, User):
            return
        for execution in executions.select_related("team", "flow", "version", "environment"):
            level = messages.ERROR
            if not (user.is_superuser or may(user, Action.RUN, execution.team)):
                told = "your role in its team does not allow you to run it"
            else:
                try:
                    told, level = act(execution, user), messages.SUCCESS
                except AlreadyOver:
                    told = "has already ended"
                except RunRefused as refused:
                    told = str(refused)
                except ObjectDoesNotExist:
                    told = "was deleted meanwhile"
            self.message_user(request, f"{execution}: {told}", level)


class OfType(admin.SimpleListFilter):
    """Filters by step type. Django's own filter would scan the table for the types."""

    title = "step type"
    parameter_name = "step_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the types."""
        return [(runner.type, runner.type) for runner in step_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ExecutionStep]) -> QuerySet[ExecutionStep]:
        """Return the steps of the chosen type."""
        return queryset.filter(step_type=self.value()) if self.value() else queryset


@admin.register(ExecutionStep)
class ExecutionStepAdmin(RowsAdmin[ExecutionStep]):
    """Steps of executions."""

    team_path = "execution__team"
    list_display = (
        "name",
        "execution_link",
        "position",
        "step_type",
        "status",
        "attempts",
        "started_at",
        "duration_ms",
    )
    list_filter = ("status",)
    list_select_related = ("execution",)
    list_deferred = (*LARGE_OF_STEP, *ENCRYPTED_OF_STEP)
    search_fields = ("name",)  # see `get_search_results`
    search_help_text = "The id of a step or an execution; within one execution also a name."
    sortable_by = ()
    fields = (
        ("execution_link", "position", "step_type", "status"),
        ("attempts_link", "attempts", "background", "always_run", "reused"),
        ("started_at", "completed_at", "duration_ms"),
        ("owner", "fence", "due_at", "look_at", "looks", "losses"),
        *(f"{name}_json" for name in LARGE_OF_STEP),
    )
    readonly_fields = ("execution_link", "attempts_link", *(f"{name}_json" for name in LARGE_OF_STEP))
    definition_json = json_column("definition")
    request_json = json_column("request")
    response_json = json_column("response")
    assertions_json = json_column("assertions")
    extracted_json = json_column("extracted")
    error_json = json_column("error")

    def get_list_filter(self, request: HttpRequest) -> Any:
        """Return more filters within one execution; for all rows only the status has an index."""
        within = (OfType, "background", "always_run") if OF_EXECUTION in request.GET else ()
        return (*self.list_filter, *within)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return newest first (ids sort by time), within one execution the order of the flow."""
        return ("position",) if OF_EXECUTION in request.GET else ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ExecutionStep], search_term: str
    ) -> tuple[QuerySet[ExecutionStep], bool]:
        """Find by an id; by a name within an execution alone, since no index holds the names."""
        if (pk := as_uuid(search_term)) is not None:
            return queryset.filter(Q(pk=pk) | Q(execution=pk)), False
        if OF_EXECUTION in request.GET or not search_term:
            return queryset.filter(name__icontains=search_term), False
        return queryset.none(), False

    @admin.display(description="execution")
    def execution_link(self, step: ExecutionStep) -> str:
        """Return a link to the execution."""
        return link(step.execution)

    @admin.display(description="attempts")
    def attempts_link(self, step: ExecutionStep) -> str:
        """Return a link to the attempts."""
        return list_link(StepAttempt, "attempts", step__id__exact=step.pk)


@admin.register(StepAttempt)
class StepAttemptAdmin(RowsAdmin[StepAttempt]):
    """Attempts of steps."""

    team_path = "step__execution__team"
    list_display = ("number", "step_link", "item", "status", "started_at", "duration_ms", "waited_ms")
    list_filter = ("status",)
    list_select_related = ("step",)
    list_deferred = (
        *LARGE_OF_ATTEMPT,
        *(f"step__{name}" for name in (*LARGE_OF_STEP, *ENCRYPTED_OF_STEP)),
    )
    search_fields = ("number",)  # see `get_search_results`
    search_help_text = "The id of an attempt, a step or an execution."
    ordering = ("-pk",)  # newest first: ids sort by time
    sortable_by = ()
    fields = (
        ("step_link", "number", "item", "status"),
        ("started_at", "completed_at", "duration_ms", "waited_ms"),
        *(f"{name}_json" for name in LARGE_OF_ATTEMPT),
    )
    readonly_fields = ("step_link", *(f"{name}_json" for name in LARGE_OF_ATTEMPT))
    request_json = json_column("request")
    response_json = json_column("response")
    assertions_json = json_column("assertions")
    error_json = json_column("error")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[StepAttempt], search_term: str
    ) -> tuple[QuerySet[StepAttempt], bool]:
        """Find by an id."""
        pk = as_uuid(search_term)
        if pk is None:
            return queryset if not search_term else queryset.none(), False
        return queryset.filter(Q(pk=pk) | Q(step=pk) | Q(step__execution=pk)), False

    @admin.display(description="step")
    def step_link(self, attempt: StepAttempt) -> str:
        """Return a link to the step."""
        return link(attempt.step, attempt.step.name)
