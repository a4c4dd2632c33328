"""Tests of `steprunners.masking`."""
