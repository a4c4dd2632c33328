"""Tests of `executions.worker`."""
