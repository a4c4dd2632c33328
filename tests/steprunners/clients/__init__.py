"""Tests of `steprunners.clients`."""
