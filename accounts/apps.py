"""Django's entry for the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The `accounts` app."""

    name = "accounts"

    def ready(self) -> None:
        """Listen to sign-ins, and register the checks."""
        from accounts import checks  # noqa: F401, PLC0415 - it needs the models, which come first
        from accounts.audit import signals as audit_signals  # noqa: PLC0415 - it needs the models, which come first

        audit_signals.listen()
