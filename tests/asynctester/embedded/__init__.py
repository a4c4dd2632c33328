"""Tests of embedded mode."""
