"""Tests of `flows.api`."""
