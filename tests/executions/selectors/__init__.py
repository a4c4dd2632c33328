"""Tests of `executions.selectors`."""
