"""Tests of `asynctester.demo`."""
