"""All URLs: the admin, the REST API of every app, and the pages."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

api = [
    path("", include("accounts.api.urls")),
    path("", include("resources.api.urls")),
    path("", include("flows.api.urls")),
    path("", include("executions.api.urls")),
    path("openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("docs", SpectacularSwaggerView.as_view(url_name="openapi"), name="api-docs"),
]

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include(api)),
    path("", include("accounts.urls")),
    path("", include("resources.urls")),
    path("", include("flows.urls")),
    path("", include("executions.urls")),
]
