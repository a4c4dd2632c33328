"""Tests of the management commands of `executions`."""
