"""Mirrors steprunners/redis."""
