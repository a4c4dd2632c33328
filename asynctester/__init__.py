"""Wiring of Async Testing Service: settings, URLs, ASGI, Celery."""

from asynctester.celery import app as celery_app

__all__ = ["celery_app"]
