"""Signing in and up: passwords, sessions, lockout and throttling."""
