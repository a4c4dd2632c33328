"""Tests of `flows.documents`."""
