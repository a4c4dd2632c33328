"""Tests of `executions.in_process`."""
