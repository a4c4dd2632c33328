"""Django itself: keys, apps, middleware, templates, database, static files."""

from pathlib import Path

from asynctester.database import database
from asynctester.settings.environment import BASE_DIR, DATA_DIR, env
from resources.secrets.key_files import read_or_create_key


def _secret_key() -> str:
    """Return SECRET_KEY from the environment, or the one kept in DATA_DIR (made on first start)."""
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
            ],
            "builtins": ["asynctester.template_tags"],
        },
    }
]

DATABASES = {"default": database(env, DATA_DIR)}
IS_SQLITE = "sqlite" in DATABASES["default"]["ENGINE"]
# Seconds that a request waits for a connection of the pool, and for the answer to a statement (PostgreSQL).
DATABASE_CONNECTION_SECONDS = env.float("DATABASE_CONNECTION_SECONDS", default=3.0)
DATABASE_ANSWER_SECONDS = env.float("DATABASE_ANSWER_SECONDS", default=10.0)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = Path(env("STATIC_ROOT", default=str(DATA_DIR / "static")))
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise warns where it is missing
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
