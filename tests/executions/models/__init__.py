"""Tests of `executions.models`."""
