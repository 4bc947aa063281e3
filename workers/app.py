"""Entry of every Celery process: `celery -A workers.app worker -Q QUEUE`.

`OVERREAD_QUEUES` names the queues that the process serves and so decides what it imports: only a process that
trains or predicts pays for torch. `OVERREAD_THREADS` must be in force before torch is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import django
from celery.signals import heartbeat_sent
from django_structlog.celery.steps import DjangoStructLogInitStep
from redis import RedisError

from backend.config.celery import app
from backend.config.health import leave_sign_of_life

TASK_MODULES: Final = {
    "default": "workers.tasks",
    "infer": "workers.learning_tasks",
    "train": "workers.learning_tasks",
    "upkeep": "workers.tasks",
}
"""Which module holds the tasks of each queue; only `workers.learning_tasks` may import torch."""


def task_modules(queues: Iterable[str]) -> tuple[str, ...]:
    """The modules to import for these queues, in a fixed order."""
    return tuple(sorted({TASK_MODULES[queue] for queue in queues}))


if threads := os.environ.get("OVERREAD_THREADS"):
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = threads
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Django's checks import every view of the web server; `manage.py up` and `migrate` have run them already.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

QUEUES: Final = tuple(os.environ.get("OVERREAD_QUEUES", ",".join(TASK_MODULES)).split(","))


@heartbeat_sent.connect
def tell_that_worker_lives(**_: object) -> None:
    """Every two seconds from the worker's own loop, so a worker that hangs is missed."""
    with suppress(RedisError):
        for queue in QUEUES:
            leave_sign_of_life(queue)


django.setup()
app.steps["worker"].add(DjangoStructLogInitStep)
app.conf.imports = task_modules(QUEUES)

__all__ = ["app"]
