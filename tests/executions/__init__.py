"""Tests of `executions`."""
