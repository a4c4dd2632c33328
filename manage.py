#!/usr/bin/env python
"""Django's command line for Async Testing Service."""

import os
import sys


def main() -> None:
    """Run the management command named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - reads the line above

    from accounts.audit.doors import enter_by_command_line  # noqa: PLC0415 - the settings come first

    enter_by_command_line()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
