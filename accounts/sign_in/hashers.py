"""How passwords are kept."""

from __future__ import annotations

from django.contrib.auth import hashers


class Argon2(hashers.Argon2PasswordHasher):
    """Argon2id with the parameters that OWASP's Password Storage Cheat Sheet names first.

    19 MiB and two passes: many sign-ins at once must not exhaust the web server's memory, as Django's own 100 MiB
    each would. Passwords of other algorithms and parameters are hashed anew at their next sign-in.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1
