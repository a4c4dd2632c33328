"""Tests of `steprunners.http`."""
