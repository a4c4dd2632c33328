"""Tests of `asynctester`."""
