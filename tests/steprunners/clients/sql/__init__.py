"""Tests of the sql engine on real databases."""
