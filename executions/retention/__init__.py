"""Deletes executions and their results: on request, or when they are older than their team keeps them."""
