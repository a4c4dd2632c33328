"""Tests of `steprunners.references`."""
