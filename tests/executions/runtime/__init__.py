"""Tests of `executions.runtime`."""
