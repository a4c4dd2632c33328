"""Tests of `executions.admin`."""
