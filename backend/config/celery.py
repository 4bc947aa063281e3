"""The one Celery app; web processes enqueue through it by task name, `workers.app` runs it."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")

app = Celery("overread")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.set_default()
