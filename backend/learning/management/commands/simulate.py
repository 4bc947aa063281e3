"""`manage.py simulate`: replay active learning on a labelled project, in a process that may load torch."""

from __future__ import annotations

from backend.learning.ranking import REASONS
from backend.learning.worker_process import WorkerCommand


class Command(WorkerCommand):
    """See `workers.simulate`."""

    help = "Replay the learning loop on a fully labelled project with its readings as oracle; nothing is written."
    name = "simulate"
    options = {
        "acquisition": {"default": "clasp_pe", "choices": sorted(REASONS)},
        "start": {"type": int, "default": 16, "help": "labels of the first round, drawn at random"},
        "batch": {"type": int, "default": 16, "help": "labels added in each further round"},
        "rounds": {"type": int, "default": 4, "help": "rounds after the first"},
        "seed": {"type": int, "default": 0},
    }
    overrides = ("random_share", "image_size", "steps_scratch", "steps_warm")
