"""Starts executions: validates a run request, plans its steps, and admits it."""
