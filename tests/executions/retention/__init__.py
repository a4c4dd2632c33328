"""Tests of `executions.retention`."""
