"""`manage.py doubtful_labels`: labelled cases to look at again, in a process that may load torch."""

from __future__ import annotations

from backend.learning.worker_process import WorkerCommand


class Command(WorkerCommand):
    """See `workers.doubting`."""

    help = "List the labels that networks which have not seen them believe least; nothing is written."
    name = "doubtful_labels"
    options = {
        "top": {"type": int, "default": 20, "help": "how many are listed"},
        "folds": {"type": int, "default": 2, "help": "into how many parts the patients are parted"},
        "seed": {"type": int, "default": 0},
    }
