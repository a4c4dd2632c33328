"""Tests of `accounts.admin`."""
