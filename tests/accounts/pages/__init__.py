"""Tests of `accounts.pages`."""
