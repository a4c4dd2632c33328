"""Tests of `flows.editing`."""
