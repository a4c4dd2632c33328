"""REST routes of the `executions` app, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path

from executions.api.views.executions import Cancel, Compare, Executions, JUnit, OneExecution, OneStep
from executions.api.views.runs import Rerun, RunAnything, RunFlow

urlpatterns: list[URLPattern | URLResolver] = [
    path("flows/run", RunAnything.as_view(), name="flow-run-any"),
    path("flows/<uuid:pk>/run", RunFlow.as_view(), name="flow-run"),
    path("executions", Executions.as_view(), name="execution-list"),
    path("executions/<uuid:pk>", OneExecution.as_view(), name="execution-detail"),
    path("executions/<uuid:pk>/steps/<str:step>", OneStep.as_view(), name="execution-step"),
    path("executions/<uuid:pk>/cancel", Cancel.as_view(), name="execution-cancel"),
    path("executions/<uuid:pk>/rerun", Rerun.as_view(), name="execution-rerun"),
    path("executions/<uuid:pk>/compare/<uuid:other>", Compare.as_view(), name="execution-compare"),
    path("executions/<uuid:pk>/junit.xml", JUnit.as_view(), name="execution-junit"),
]
