"""Mirrors steprunners/monitoring."""
