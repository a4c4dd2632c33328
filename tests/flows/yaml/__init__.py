"""Tests of `flows.yaml`."""
