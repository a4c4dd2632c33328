"""Tests of `accounts.audit.doors`."""

from __future__ import annotations

from contextvars import copy_context

from accounts.audit.doors import Door, enter_by_command_line
from accounts.audit.origin import Origin, origin


def test_the_command_line_is_a_door_of_its_own() -> None:
    def command() -> Origin:
        enter_by_command_line()
        return origin()

    assert copy_context().run(command) == Origin(Door.CLI)
