"""Differences between two versions of a flow."""
