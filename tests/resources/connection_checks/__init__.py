"""Tests of `resources.connection_checks`."""
