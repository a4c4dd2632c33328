"""Mirrors steprunners/metrics."""
