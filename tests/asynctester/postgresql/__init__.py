"""Tests of `asynctester.postgresql`; the whole of it, on a real server: tests/faults/test_unavailable.py."""
