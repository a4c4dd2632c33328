"""The Celery application; tasks are found in every installed app's `tasks` module."""

import os

from celery import Celery

from asynctester.broker import use_own_transport

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "asynctester.settings")

use_own_transport()
app = Celery("asynctester")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
