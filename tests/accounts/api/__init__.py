"""Tests of `accounts.api`."""
