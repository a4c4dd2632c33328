"""Tests of `executions.api.views`."""
