"""Tests of `executions.starting`."""
