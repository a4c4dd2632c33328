"""Tests of `flows.pages`."""
