"""Pages of the `executions` app."""

from django.urls import URLPattern, URLResolver, path

from executions.pages import views as pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("executions", pages.executions, name="executions"),
    path("executions/outcomes", pages.flow_outcomes, name="flow-outcomes"),
    path("executions/<uuid:execution_id>", pages.execution, name="execution"),
    path("executions/<uuid:execution_id>/activity", pages.execution_activity, name="execution-activity"),
    path(
        "executions/<uuid:execution_id>/steps/<uuid:step_id>/curl", pages.step_as_curl, name="execution-curl"
    ),
]
