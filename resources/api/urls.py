"""REST routes of the `resources` app, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from resources.api.limits import LimitsOfOrganisation
from resources.api.views import Environments, Resources, ResourceTypes

router = SimpleRouter(trailing_slash=False, use_regex_path=False)
router.register("resources", Resources)
router.register("environments", Environments)

urlpatterns: list[URLPattern | URLResolver] = [
    path("organisations/<uuid:pk>/limits", LimitsOfOrganisation.as_view(), name="organisation-limits"),
    path("resource-types", ResourceTypes.as_view(), name="resource-types"),
    *router.urls,
]
