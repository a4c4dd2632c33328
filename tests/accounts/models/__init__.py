"""Tests of `accounts.mail`."""
