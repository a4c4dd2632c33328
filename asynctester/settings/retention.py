"""How many days things are kept."""

from django.core.exceptions import ImproperlyConfigured

from asynctester.settings.environment import env

# The audit log: at least 30 days; 0 means for ever.
AUDIT_RETENTION_DAYS = env.int("AUDIT_RETENTION_DAYS", default=365)
# Executions, and what their steps sent and received, where a team has no setting of its own; 0 means for ever.
EXECUTIONS_RETENTION_DAYS = env.int("EXECUTIONS_RETENTION_DAYS", default=365)
RESULTS_RETENTION_DAYS = env.int("RESULTS_RETENTION_DAYS", default=90)
# How often the workers delete what has expired; 0 leaves it to `manage.py purge_executions`.
HOUSEKEEPING_SECONDS = env.int("HOUSEKEEPING_SECONDS", default=3_600)

# In other programs -1 means for ever; here it would delete everything.
for _name, _most in {
    "AUDIT_RETENTION_DAYS": 36_500,
    "EXECUTIONS_RETENTION_DAYS": 36_500,
    "RESULTS_RETENTION_DAYS": 36_500,
    "HOUSEKEEPING_SECONDS": 31_536_000,
}.items():
    if not 0 <= vars()[_name] <= _most:
        raise ImproperlyConfigured(f"{_name} is a number from 0 to {_most}, not {vars()[_name]}")
