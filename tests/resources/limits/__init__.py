"""Tests of `resources.limits`."""
