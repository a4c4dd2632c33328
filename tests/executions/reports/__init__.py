"""Tests of `executions.reports`."""
