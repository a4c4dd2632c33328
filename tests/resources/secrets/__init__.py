"""Tests of `resources.secrets`."""
