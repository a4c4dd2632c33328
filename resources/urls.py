"""Pages of the `resources` app."""

from django.urls import URLPattern, URLResolver, path

from resources.pages import environments as environment_pages
from resources.pages import limits as limit_pages
from resources.pages import resources as pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("organisations/<uuid:organisation_id>/limits", limit_pages.limits, name="organisation-limits-page"),
    path("resources", pages.resources, name="resources"),
    path("resources/new", pages.new_resource, name="resource-new"),
    path("resources/<uuid:resource_id>", pages.resource, name="resource"),
    path("resources/<uuid:resource_id>/check", pages.check, name="resource-check"),
    path("resources/<uuid:resource_id>/delete", pages.delete, name="resource-delete"),
    path("environments", environment_pages.environments, name="environments"),
    path("environments/new", environment_pages.new_environment, name="environment-new"),
    path("environments/<uuid:environment_id>", environment_pages.environment, name="environment"),
    path("environments/<uuid:environment_id>/delete", environment_pages.delete, name="environment-delete"),
]
