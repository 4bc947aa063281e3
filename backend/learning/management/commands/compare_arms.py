"""`manage.py compare_arms`: does choosing cases help in this project, in a process that may load torch."""

from __future__ import annotations

from backend.learning.worker_process import WorkerCommand


class Command(WorkerCommand):
    """See `workers.comparing`."""

    help = (
        "Train on cases that were chosen and on as many drawn at random, over several seeds, and compare on VALIDATION; "
        "nothing is written."
    )
    name = "compare_arms"
    options = {
        "seeds": {"type": int, "default": 5},
        "labels": {"type": int, "help": "readings of each arm (default: as many as the smaller arm has)"},
    }
