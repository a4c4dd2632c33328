"""Tests of `resources.admin`."""
