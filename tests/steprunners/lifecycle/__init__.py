"""Tests of `steprunners.lifecycle`."""
