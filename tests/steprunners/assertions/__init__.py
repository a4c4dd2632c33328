"""Tests of `steprunners.assertions`."""
