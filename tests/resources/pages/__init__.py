"""Tests of `resources.pages`."""
