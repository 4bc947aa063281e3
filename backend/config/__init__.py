"""Settings from the environment, URL root, Celery app, WSGI entry."""

from backend.config.celery import app as celery_app

__all__ = ["celery_app"]
