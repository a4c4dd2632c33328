"""Runs flows from their list in the admin: the flows app itself does not know executions."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.models import User
from accounts.permissions import Action, may
from executions.starting.admission import RunRefused
from executions.starting.start import start_execution
from executions.states import Source
from flows.admin import FlowAdmin
from flows.models import Flow
from flows.selectors import newest_version


class RunnableFlowAdmin(FlowAdmin):
    """The flows, with an action to run them."""

    actions = (*FlowAdmin.actions, "run")

    @admin.action(description="Run the newest version, with its default values", permissions=["view"])
    def run(self, request: HttpRequest, queryset: QuerySet[Flow]) -> None:
        """Start each flow that is not deleted and that the user may run; say why others were not started."""
        user = request.user
        if not isinstance(user, User):
            return
        for flow in queryset.select_related("team__organisation"):
            told, level = _run(flow, user)
            self.message_user(request, f"{flow}: {told}", level)


def _run(flow: Flow, user: User) -> tuple[str, int]:
    if flow.deleted_at is not None:
        return "is deleted", messages.ERROR
    if not (user.is_superuser or may(user, Action.RUN, flow.team)):
        return "your role in its team does not allow you to run it", messages.ERROR
    try:
        execution = start_execution(
            team=flow.team, user=user, source=Source.ADMIN, version=newest_version(flow)
        )
    except RunRefused as refused:
        return str(refused), messages.ERROR
    return f"started {execution.pk}", messages.SUCCESS


admin.site.unregister(Flow)
admin.site.register(Flow, RunnableFlowAdmin)
