"""All URLs: the admin, the REST API of every app, and the pages."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from asynctester import health
from asynctester.metrics import metrics
from asynctester.middleware import errors

api: list[URLPattern | URLResolver] = [
    path("", include("accounts.api.urls")),
    path("", include("resources.api.urls")),
    path("", include("flows.api.urls")),
    path("", include("executions.api.urls")),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    # The split view keeps its script out of the page, as a content security policy asks for.
    path("docs", SpectacularSwaggerSplitView.as_view(url_name="openapi"), name="api-docs"),
]

HOME = RedirectView.as_view(pattern_name="executions", http_method_names=["get", "head", "options"])

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    re_path(r"^api(?:/|$)", errors.unknown_api_path),
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("", HOME, name="home"),
    path("", include("accounts.urls")),
    path("", include("resources.urls")),
    path("", include("flows.urls")),
    path("", include("executions.urls")),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
