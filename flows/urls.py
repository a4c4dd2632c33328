"""Pages of the `flows` app."""

from django.urls import URLPattern, URLResolver, path

from flows import pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("flows", pages.flows, name="flows"),
    path("flows/new", pages.new_flow, name="flow-new"),
    path("flows/check", pages.check, name="flow-check"),
    path("flows/<uuid:flow_id>", pages.flow, name="flow"),
    path("flows/<uuid:flow_id>/run-form", pages.run_form, name="flow-run-form"),
    path("flows/<uuid:flow_id>/difference", pages.difference, name="flow-difference"),
]
