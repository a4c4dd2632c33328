"""Tests of `steprunners.values`."""
