"""The learner on BUSI: what 100 random labels give on VALIDATION, what they cost, and what a round costs on top.

`python -m tests.bench.bench_learning [--steps 800] [--labels 100]`. Real images (OVERREAD_TEST_DATA), the real import,
a real round in this process; the bare loop is `workers.cnn` alone on the same samples. HOLDOUT is not touched.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZE = 128
AIM_RATIO = 1.15


def prepare(folder: Path, data: Path, seed: int) -> Any:
    """An empty product on SQLite with BUSI imported, its masks as readings, split by near-duplicate group."""
    os.environ["OVERREAD_DATA_DIR"] = str(folder)
    os.environ["OVERREAD_LOG_LEVEL"] = "ERROR"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()
    from django.core.management import call_command

    from backend.projects.models import Project
    from backend.projects.services import create_project

    call_command("migrate", verbosity=0)
    busi = data / "busi"
    made = create_project(by=None, fields={"name": "BUSI", "slug": "busi", "modality": "US"})
    Project.objects.filter(pk=made.pk).update(split_key=f"{seed:064x}")  # The same seed, the same split.
    call_command(
        "import_images", str(busi / "images"), project="busi", masks=str(busi / "masks"),
        labels=str(busi / "index.csv"), columns="finding=class,group=near_dup_group", findings="lesion",
        stdout=sys.stderr,
    )  # fmt: skip
    return Project.objects.get(slug="busi")


def keep_labels(project: Any, count: int, seed: int) -> None:
    """Leave `count` random POOL cases labelled and make the others unread."""
    import random

    from backend.learning.selectors import labels
    from backend.projects.models import Case
    from backend.readings.models import Lesion, Reading

    rows = list(labels(project, "POOL").order_by("case__number").values_list("pk", "case_id"))
    dropped = random.Random(seed).sample(rows, max(0, len(rows) - count))
    Lesion.objects.filter(reading__in=[pk for pk, _ in dropped]).delete()
    Reading.objects.filter(pk__in=[pk for pk, _ in dropped]).delete()
    Case.objects.filter(pk__in=[case for _, case in dropped]).update(is_open=True, readings_submitted=0)


def bare_loop(project: Any, round_: Any) -> tuple[float, float]:
    """Wall and CPU seconds of the same steps on the same samples, with nothing around them."""
    from backend.learning.selectors import snapshot_readings
    from backend.learning.vocabulary import Vocabulary
    from workers.cnn.model import NetConfig
    from workers.cnn.train import Recipe, Training
    from workers.datasets import training_samples

    words = Vocabulary.from_dict(round_.settings["vocabulary"])
    samples, _ = training_samples(snapshot_readings(round_), vocabulary=words, size=SIZE)
    recipe = Recipe(steps=round_.settings["steps"], seed=round_.settings["seed"], precision=round_.settings["precision"])
    training = Training(samples, net=NetConfig(n_types=len(words.types), n_findings=len(words.outputs)), recipe=recipe)
    wall, cpu = time.monotonic(), time.process_time()
    for _ in training.run():
        pass
    return time.monotonic() - wall, time.process_time() - cpu


def one_round(project: Any) -> tuple[Any, float, float]:
    """A real round under a real lease; the round, its wall and CPU seconds."""
    from backend.jobs.services import claim_job, finish_job
    from backend.learning.services import start_round
    from workers.rounds import run_round

    round_ = start_round(project=project, by=None)
    lease = claim_job(str(round_.job_id))
    assert lease is not None
    wall, cpu = time.monotonic(), time.process_time()
    run_round(lease)
    spent = time.monotonic() - wall, time.process_time() - cpu
    finish_job(lease, lease.result)
    round_.refresh_from_db()
    return round_, *spent


def measured(round_: Any, bare: tuple[float, float], spent: tuple[float, float]) -> dict[str, Any]:
    """The numbers of the issue."""
    version = round_.model_version
    evaluation = version.evaluations.get()
    told = {one["metric"]: one for one in evaluation.metrics if one["finding_type"] is None}
    return {
        "labels": version.n_labels,
        "steps": version.steps,
        "image_size": SIZE,
        "validation_patients": evaluation.n_patients,
        **{name: [told[name][key] for key in ("value", "low", "high")] for name in ("dice", "auc", "sensitivity_at_1")},
        "validation_lesion_bearing": told["dice"]["n_positive"],
        "training_core_seconds": version.core_seconds,
        "round_seconds": round(spent[0], 1),
        "bare_loop_seconds": round(bare[0], 1),
        "round_to_bare_wall": round(spent[0] / bare[0], 3),
        "round_to_bare_cpu": round(spent[1] / bare[1], 3),
        "pool_cases_predicted": round_.scores.count(),
        "precision": round_.settings["precision"],
        "load": os.getloadavg()[0],
        "aim_round_to_bare": AIM_RATIO,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run it and print one JSON object; 0 also where the real data is absent, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="default: as the product")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_learning: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        project = prepare(Path(folder), data, options.seed)
        import torch

        from backend.learning.models import TrainingPolicy
        from workers.networks import machine_precision

        torch.set_num_threads(options.threads)
        machine_precision()  # A worker that has run a job is warm: the optimizer loads a compiler once per process.
        keep_labels(project, options.labels, options.seed)
        TrainingPolicy.objects.create(project=project, image_size=SIZE, steps_scratch=options.steps, seed=options.seed)
        round_, *spent = one_round(project)
        print(json.dumps(measured(round_, bare_loop(project, round_), (spent[0], spent[1])), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
