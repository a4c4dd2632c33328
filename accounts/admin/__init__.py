"""The admin of users, organisations, teams, invitations, tokens and the audit log."""

from accounts.admin import invitations, logs, tenancy  # noqa: F401 - importing them registers them
