"""Tests of `accounts.services`."""
