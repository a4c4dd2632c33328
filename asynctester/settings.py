"""The one settings module; everything that differs between machines is read from the environment."""

import logging
from datetime import timedelta
from pathlib import Path

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from asynctester import production
from asynctester.broker import broker_url, fast_path, transport_options, yes_or_no
from asynctester.database import database
from executions.broker.queues import DEFAULT_QUEUE, task_queues

django_stubs_ext.monkeypatch()  # lets Django's generic classes be subscripted at run time

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA_DIR = Path(env("DATA_DIR", default=str(BASE_DIR / ".data"))).resolve()
PRODUCTION = env.bool("PRODUCTION", default=False)
DEBUG = env.bool("DEBUG", default=False)
if PRODUCTION:
    production.refuse_unsafe(env)


def _secret_key() -> str:
    """Return SECRET_KEY from the environment, or the one kept in DATA_DIR (made on first start)."""
    from resources.secrets.key_files import read_or_create_key  # noqa: PLC0415 - needs the path that is set above

    return env("SECRET_KEY", default="") or read_or_create_key(DATA_DIR / "django-secret.key")


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])  # earlier ones, while sessions live on
SECRETS_KEYS = env.list("SECRETS_KEYS", default=[])  # Fernet keys, newest first; else those of the key file
SECRETS_KEY_FILE = Path(env("SECRETS_KEY_FILE", default=str(DATA_DIR / "secrets.key")))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "django_filters",
    "django_htmx",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "axes",
    "asynctester",  # for its management commands
    "accounts",
    "resources",
    "flows",
    "executions",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "asynctester.middleware.requests_seen.observe",
    "asynctester.middleware.headers.protect",
    "asynctester.middleware.fair_work.FairWork",
    "asynctester.middleware.errors.UnreadableSecretMiddleware",
    "asynctester.middleware.errors.OutageMiddleware",
    "asynctester.middleware.errors.LostRaceMiddleware",
    "asynctester.middleware.null_characters.refuse_null_characters",
    "accounts.audit.origin.remember_request",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",  # answers for doors that are locked, so it comes last
]

ROOT_URLCONF = "asynctester.urls"
ASGI_APPLICATION = "asynctester.asgi.application"
WSGI_APPLICATION = "asynctester.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.pages.current_team.context",
            ]
        },
    }
]

# --- Database -------------------------------------------------------------------------------------
DATABASES = {"default": database(env, DATA_DIR)}
IS_SQLITE = "sqlite" in DATABASES["default"]["ENGINE"]
# Seconds that a request waits for a connection of the pool, and for the answer to a statement (PostgreSQL).
DATABASE_CONNECTION_SECONDS = env.float("DATABASE_CONNECTION_SECONDS", default=3.0)
DATABASE_ANSWER_SECONDS = env.float("DATABASE_ANSWER_SECONDS", default=10.0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis, Celery, Channels ----------------------------------------------------------------------
REDIS_URL = env("REDIS_URL", default=f"unix://{DATA_DIR / 'valkey.sock'}")
CELERY_BROKER_URL = broker_url(env, REDIS_URL)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = False  # the database, not the broker, decides what has to run again
# `celery inspect`, `celery control` and revoke; task events. With either, workers take tasks in Celery's own way.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = yes_or_no(env, "WORKER_REMOTE_CONTROL", default=False)
CELERY_WORKER_SEND_TASK_EVENTS = yes_or_no(env, "WORKER_TASK_EVENTS", default=False)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Queues of the broker that workers read in turn, one for each organisation (executions/broker/lanes.py).
ENGINE_LANES = 32
CELERY_TASK_DEFAULT_QUEUE = DEFAULT_QUEUE
CELERY_TASK_QUEUES = task_queues(ENGINE_LANES)
CELERY_BROKER_TRANSPORT_OPTIONS = transport_options(
    env, CELERY_BROKER_URL, queue_order="executions.broker.queues:LanesInTurn"
)
# Publish to Redis and receive from it directly (executions/broker/fast_redis.py).
BROKER_FAST_PATH = fast_path(env, CELERY_BROKER_URL)
CELERY_TASK_PUBLISH_RETRY = False  # the row is the outbox: the sweeper publishes again
CELERY_DB_REUSE_MAX = 1_000_000_000  # Celery's Django fix-up would reconnect for every task
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# What web processes count together (accounts/throttling.py). JSON: nothing in Redis is ever unpickled.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "asynctester",
        "OPTIONS": {
            "serializer": "django.core.signing.JSONSerializer",
            "socket_timeout": 1,
            "socket_connect_timeout": 1,
        },
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}

# --- The engine -----------------------------------------------------------------------------------
ENGINE_LEASE_SECONDS = 8  # a lost worker is found after this and half a second; 12 s are promised
ENGINE_HEARTBEAT_SECONDS = 1.5
ENGINE_UNCLAIMED_SECONDS = 30  # a published step that nobody claimed is published again after this
# Where flows may connect to besides public addresses: host, *.domain, CIDR, each with an optional port.
NETWORK_DENY_PRIVATE = env.bool("NETWORK_DENY_PRIVATE", default=True)
NETWORK_ALLOWED = env.list(
    "NETWORK_ALLOWED", default=[] if PRODUCTION else ["127.0.0.0/8", "::1", "localhost"]
)
MAX_RESPONSE_BYTES = env.int("MAX_RESPONSE_BYTES", default=10 * 1024 * 1024)
# The only folder whose SQLite files sql resources may name; whatever it says, none in production.
SQLITE_FOLDER = "" if PRODUCTION else env.str("SQLITE_FOLDER", default="")

# --- Accounts -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "executions"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
AUTHENTICATION_BACKENDS = ["accounts.backends.Doorkeeper", "accounts.backends.PasswordBackend"]
PASSWORD_HASHERS = [
    "accounts.sign_in.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # of users from before
]
PASSWORD_RESET_TIMEOUT = env.int("PASSWORD_RESET_TIMEOUT", default=3_600)  # seconds
REGISTRATION_OPEN = env("REGISTRATION", default="off").lower() in ("open", "on", "true", "yes", "1")
EMAIL_VERIFICATION = env.bool(
    "EMAIL_VERIFICATION", default=True
)  # whether they show first that the address is theirs
# Where links in mails lead: never taken from a request, whose Host header is the sender's.
PUBLIC_URL = env("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
# Which header of a proxy of ours names the client (X-Forwarded-For, say), and how many proxies write to it.
TRUSTED_PROXY_HEADER = env("TRUSTED_PROXY_HEADER", default="")
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=1)
# Requests of one client about signing in; those that send mail, of one client and to one recipient. Empty: no limit.
AUTH_RATES = {
    "auth": env("AUTH_RATE", default="120/minute"),
    "mail": env("MAIL_RATE", default="20/hour"),
    "recipient": env("RECIPIENT_RATE", default="5/hour"),
}
# Wrong passwords of one user from one client, and of one client for all users, until that client has to pause.
AXES_FAILURE_LIMIT = env.int("LOCKOUT_FAILURES", default=10)
LOCKOUT_ADDRESS_FAILURES = env.int("LOCKOUT_ADDRESS_FAILURES", default=100)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("LOCKOUT_MINUTES", default=15))
AXES_HANDLER = "accounts.sign_in.lockout.Failures"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]  # the order that the handler relies on
AXES_LOCKOUT_CALLABLE = "asynctester.lockout.locked_out"
AXES_USERNAME_CALLABLE = "accounts.sign_in.lockout.username"
AXES_USERNAME_FORM_FIELD = "username"
AXES_CLIENT_IP_CALLABLE = "accounts.addresses.client_network"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # trying again meanwhile does not make it longer
AXES_DISABLE_ACCESS_LOG = True  # the audit log has the sign-ins
AXES_VERBOSE = False
# Days after which the audit log forgets, at least 30; 0 keeps it for ever.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,  # a changed password ends every token
    "USER_ID_FIELD": "id",
}

# --- Mail -----------------------------------------------------------------------------------------
# smtp+tls://user:password@host:587; without it mails are written to the log of the worker, which sends them.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Async Testing Service <noreply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- REST -----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.bearer.BearerAuthentication",
        "accounts.api.api_token.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "asynctester.api.base.Pages",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "asynctester.api.base.Search",
        "asynctester.api.base.CamelCaseOrdering",
    ],
    "DEFAULT_PARSER_CLASSES": ["asynctester.api.strict_json.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "asynctester.api.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    "UNICODE_JSON": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {"EXCEPTION_HANDLER_CLASS": "asynctester.api.base.ErrorHandler"}
SPECTACULAR_SETTINGS = {
    "TITLE": "Async Testing Service",
    "DESCRIPTION": "Define flows over asynchronous systems, run them, watch every step.",
    "VERSION": "1",
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

# How long executions, and what their steps sent and got, are kept where a team says nothing else; 0: for ever.
EXECUTIONS_RETENTION_DAYS = env.int("EXECUTIONS_RETENTION_DAYS", default=365)
RESULTS_RETENTION_DAYS = env.int("RESULTS_RETENTION_DAYS", default=90)
# How often the workers remove what is kept no longer; 0 leaves it to `manage.py purge_executions`.
HOUSEKEEPING_SECONDS = env.int("HOUSEKEEPING_SECONDS", default=3_600)
for _name, _most in {
    "AUDIT_RETENTION_DAYS": 36_500,
    "EXECUTIONS_RETENTION_DAYS": 36_500,
    "RESULTS_RETENTION_DAYS": 36_500,
    "HOUSEKEEPING_SECONDS": 31_536_000,
}.items():
    if not 0 <= vars()[_name] <= _most:  # elsewhere -1 is for ever; here it would remove all that there is
        raise ImproperlyConfigured(f"{_name} is a number from 0 to {_most}, not {vars()[_name]}")

MAX_REQUEST_BYTES = env.int("MAX_REQUEST_BYTES", default=5 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_REQUEST_BYTES
# Seconds that a client may make the web server wait: for the whole head of a request; in a pause of its body; for the
# whole body, one more for each REQUEST_BODY_RATE bytes; until some of an answer is read.
REQUEST_HEAD_SECONDS = env.float("REQUEST_HEAD_SECONDS", default=15.0)
REQUEST_PAUSE_SECONDS = env.float("REQUEST_PAUSE_SECONDS", default=15.0)
REQUEST_BODY_SECONDS = env.float("REQUEST_BODY_SECONDS", default=20.0)
REQUEST_BODY_RATE = env.int("REQUEST_BODY_RATE", default=2_000)
RESPONSE_STALL_SECONDS = env.float("RESPONSE_STALL_SECONDS", default=30.0)
MAX_STEPS_PER_FLOW = env.int("MAX_STEPS_PER_FLOW", default=2_000)
# What an organisation may use, unless its own limits say otherwise (docs/limits.md).
MAX_ROWS = env.int("MAX_ROWS", default=100_000)
MAX_MESSAGES = env.int("MAX_MESSAGES", default=10_000)
MAX_PATTERN_LENGTH = env.int("MAX_PATTERN_LENGTH", default=1_000)
# Processor time, in ms: of one request for checking what it sends (0: no bound), of one step for judging its result.
MAX_CHECKING_MS = env.int("MAX_CHECKING_MS", default=5_000)
MAX_JUDGING_MS = env.int("MAX_JUDGING_MS", default=2_000)
MAX_EXECUTION_SECONDS = env.int(
    "MAX_EXECUTION_SECONDS", default=8 * 24 * 3_600
)  # a delay takes up to seven days
MAX_CONCURRENT_EXECUTIONS = env.int("MAX_CONCURRENT_EXECUTIONS", default=1_000)
MAX_WAITING_EXECUTIONS = env.int("MAX_WAITING_EXECUTIONS", default=10_000)
MAX_RUNS_PER_MINUTE = env.int("MAX_RUNS_PER_MINUTE", default=6_000)
MAX_WEB_SOCKETS = env.int("MAX_WEB_SOCKETS", default=1_000)
MAX_RESOURCE_CHECKS = env.int("MAX_RESOURCE_CHECKS", default=10)
# Of all organisations together, in one web process: each waits for somebody's server in a thread of its own.
MAX_CHECK_THREADS = env.int("MAX_CHECK_THREADS", default=40)

# --- Pages ----------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns where it is missing
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

# --- Browsers (docs/security.md; asynctester/headers.py writes the other headers) --------------------
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True  # scripts read the token from the page
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked by machines beside it, without TLS
# Only behind a proxy that sets this header itself, and drops what clients send.
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("TRUST_X_FORWARDED_PROTO", default=False) else None
)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=365 * 24 * 3_600 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_SECONDS > 0
# Whether a domain goes into the browsers' preload list is for its owner to decide, and hard to take back.
SILENCED_SYSTEM_CHECKS = ["security.W021"]

# --- Looking inside (docs/observability.md) ---------------------------------------------------------
# Who may read /metrics: who sends this as a bearer token; without one, who asks from this machine.
METRICS_TOKEN = env("METRICS_TOKEN", default="")
# HOST:PORT where each process shows its metrics by itself, besides the /metrics of the web processes.
METRICS_ADDRESS = env("METRICS_ADDRESS", default="")
if METRICS_ADDRESS and not METRICS_ADDRESS.rpartition(":")[2].isdigit():
    raise ImproperlyConfigured(f"METRICS_ADDRESS is HOST:PORT, not {METRICS_ADDRESS}")
# The folder through which the processes of one machine show their metrics together; the library reads it by this name.
METRICS_FOLDER = env("PROMETHEUS_MULTIPROC_DIR", default="")
if METRICS_FOLDER:
    Path(METRICS_FOLDER).mkdir(parents=True, exist_ok=True)
# Where traces go, over OTLP/HTTP; none are made without it. OpenTelemetry reads its other variables itself.
TRACES_ENDPOINT = env("OTEL_EXPORTER_OTLP_ENDPOINT", default="")

LOG_FORMAT = env("LOG_FORMAT", default="line")
_FORMATTERS = {
    "line": {"()": "telemetry.logs.LineFormatter"},
    "json": {"()": "telemetry.logs.JsonFormatter"},
}
if LOG_FORMAT not in _FORMATTERS:
    raise ImproperlyConfigured(f"LOG_FORMAT is json or line, not {LOG_FORMAT}")
if LOG_FORMAT == "json":
    logging.captureWarnings(True)  # else Python's own would be lines of text among the objects
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": _FORMATTERS,
    "filters": {"routes": {"()": "asynctester.middleware.requests_seen.RoutesOnly"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["routes"]}
    },
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    # Lines a step, or a sign-in, that say nothing that the database does not; what fails is still told.
    "loggers": {
        name: {"level": "WARNING"} for name in ("celery.worker.strategy", "celery.app.trace", "axes")
    },
}
