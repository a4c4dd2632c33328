"""Tests of `resources.api`."""
