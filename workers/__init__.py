"""Celery side of Overread: all that is slow."""
