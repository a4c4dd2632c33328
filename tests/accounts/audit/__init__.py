"""Tests of `accounts.audit`."""
