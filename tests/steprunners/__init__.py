"""Tests of `steprunners`."""
