"""Tests of `flows.diffs`."""
