"""Pages of the `flows` app."""

from django.urls import URLPattern, URLResolver, path

from flows.pages import flows as pages
from flows.pages import steps as step_pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("flows", pages.flows, name="flows"),
    path("flows/new", pages.new_flow, name="flow-new"),
    path("flows/check", pages.check, name="flow-check"),
    path("flows/step-form", step_pages.step_form, name="flow-step-form"),
    path("flows/step-edit", step_pages.step_edit, name="flow-step-edit"),
    path("flows/step-insert", step_pages.step_insert, name="flow-step-insert"),
    path("flows/step-alone", step_pages.step_alone, name="flow-step-alone"),
    path("flows/<uuid:flow_id>", pages.flow, name="flow"),
    path("flows/<uuid:flow_id>/run-form", pages.run_form, name="flow-run-form"),
    path("flows/<uuid:flow_id>/difference", pages.difference, name="flow-difference"),
]
