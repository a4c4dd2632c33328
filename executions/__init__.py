"""Runs: state machine, Celery tasks, live updates, recovery, reports."""
