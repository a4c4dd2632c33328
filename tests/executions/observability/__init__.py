"""Tests of `executions.observability`."""
