"""Publishes Celery chains to the broker and shares its queues fairly."""
