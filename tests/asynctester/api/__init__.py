"""Tests of `asynctester.api`."""
