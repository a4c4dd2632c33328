"""Metrics, traces and logs (docs/observability.md)."""

import logging
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from asynctester.settings.environment import env

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
