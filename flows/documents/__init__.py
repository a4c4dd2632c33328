"""Parses and validates flow documents."""
