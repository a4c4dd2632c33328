"""Tests of `executions.broker`."""
