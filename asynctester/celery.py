"""The Celery application and the packages that hold its tasks."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")

app = Celery("asynctester")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["accounts.mail", "executions.worker"])
