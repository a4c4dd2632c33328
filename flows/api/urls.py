"""REST routes of the `flows` app, below `/api/v1/`."""

from django.urls import URLPattern, URLResolver, path

from flows.api.views.documents import Export, Import, StepTypes, Validate
from flows.api.views.flows import Flows
from flows.api.views.versions import Diff, Versions

flow_list = Flows.as_view({"get": "list", "post": "create"})
flow_detail = Flows.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("step-types", StepTypes.as_view(), name="step-types"),
    path("flows", flow_list, name="flow-list"),
    path("flows/validate", Validate.as_view(), name="flow-validate"),
    path("flows/import", Import.as_view(), name="flow-import"),
    path("flows/export", Export.as_view(), name="flow-export"),
    path("flows/<uuid:pk>", flow_detail, name="flow-detail"),
    path("flows/<uuid:pk>/diff", Diff.as_view(), name="flow-diff"),
    path("flows/<uuid:pk>/versions", Versions.as_view({"get": "list"}), name="flow-versions"),
    path("flows/<uuid:pk>/versions/<int:number>", Versions.as_view({"get": "retrieve"}), name="flow-version"),
    path(
        "flows/<uuid:pk>/versions/<int:number>/restore",
        Versions.as_view({"post": "restore"}),
        name="flow-version-restore",
    ),
]
