"""Tests of `executions.statements`."""
