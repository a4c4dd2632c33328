"""Celery tasks and the background threads of a worker process."""
