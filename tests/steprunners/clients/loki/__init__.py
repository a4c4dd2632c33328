"""Mirrors steprunners/loki."""
