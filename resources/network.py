"""Where flows may connect to: the installation's policy, from the settings."""

from functools import cache

from django.conf import settings

from steprunners.network import NetworkPolicy


@cache
def policy() -> NetworkPolicy:
    """Return the installation's policy (NETWORK_ALLOWED, NETWORK_DENY_PRIVATE, MAX_RESPONSE_BYTES, SQLITE_FOLDER)."""
    return NetworkPolicy(
        allowed=tuple(settings.NETWORK_ALLOWED),
        deny_private=settings.NETWORK_DENY_PRIVATE,
        max_body_bytes=settings.MAX_RESPONSE_BYTES,
        sqlite_folder=settings.SQLITE_FOLDER or None,
    )
