"""Checks whether a resource's server answers."""
