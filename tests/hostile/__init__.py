"""Hostile addresses, answers and patterns, against real runners and a real worker."""
