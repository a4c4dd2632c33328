"""Tests of `executions.statements.database`."""
