"""Tests of `asynctester.middleware`."""
