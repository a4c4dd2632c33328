"""Tests of `steprunners.documents`."""
