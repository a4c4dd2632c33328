"""Tests of `executions.live`."""
