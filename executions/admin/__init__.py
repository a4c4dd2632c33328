"""The admin of executions, and running flows from their admin list."""

from executions.admin import executions, flows  # noqa: F401 - importing them registers them
