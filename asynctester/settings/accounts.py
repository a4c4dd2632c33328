"""Accounts: sign-in, registration, lockout, tokens and mail."""

from datetime import timedelta

from asynctester.settings.environment import env

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
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "CHECK_REVOKE_TOKEN": True,  # a changed password ends every token
    "USER_ID_FIELD": "id",
}

# smtp+tls://user:password@host:587; without it mails are written to the log of the worker, which sends them.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Async Testing Service <noreply@localhost>")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
