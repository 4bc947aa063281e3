"""The learner in pure PyTorch: no Django, no Celery, runs from a notebook."""
