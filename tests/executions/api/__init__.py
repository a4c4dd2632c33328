"""Tests of `executions.api`."""
