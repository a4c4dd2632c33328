"""Django's entry for the app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The `accounts` app."""

    name = "accounts"

    def ready(self) -> None:
        """Listen to sign-ins, and register the checks."""
        from accounts import audit_signals, checks  # noqa: F401, PLC0415 - it needs the models, which come first

        audit_signals.listen()
