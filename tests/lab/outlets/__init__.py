"""Tests of the systems behind the shop."""
