"""The REST API and its OpenAPI document."""

from asynctester.version import VERSION

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.bearer.BearerAuthentication",
        "accounts.api.api_token.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "asynctester.api.lists.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "asynctester.api.lists.KnownParameters",
        "django_filters.rest_framework.DjangoFilterBackend",
        "asynctester.api.lists.Search",
        "asynctester.api.lists.CamelCaseOrdering",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "resources.api.renderers.JSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["asynctester.api.strict_json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "asynctester.api.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    "UNICODE_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {"EXCEPTION_HANDLER_CLASS": "asynctester.api.errors.ErrorHandler"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Async Testing Service",
    "DESCRIPTION": "Define flows over asynchronous systems, run them, watch every step.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "asynctester.api.openapi.Generator",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        "deepLinking": True,
        "docExpansion": "none",
    },  # all operations at once take seconds
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "OrganisationRole": "accounts.models.OrganisationMembership.Role",
        "TeamRole": "accounts.models.TeamMembership.Role",
        "ExecutionStatus": "executions.states.ExecutionStatus",
        "StepStatus": "executions.states.StepStatus",
        "VariableType": [(name, name) for name in ("string", "integer", "double", "boolean", "date", "json")],
    },
}
