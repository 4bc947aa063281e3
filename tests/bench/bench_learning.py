"""The learner on BUSI: what 100 random labels give on VALIDATION, what they cost, and what a round costs on top.

`python -m tests.bench.bench_learning [--steps 800] [--labels 100] [--seed 0] [--folder var/bench]`. Real images
(OVERREAD_TEST_DATA), the real import, a real round in this process; the bare loop is `workers.cnn` alone on the same
samples and unread images. HOLDOUT is not touched. It prints its cost beforehand; with a folder, a result that is
there is not measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

AIM_RATIO = 1.15
AIM_MINUTES = 20
FIXED_SECONDS = 60  # Import, evaluation, prediction and ranking together, on two idle cores.
Spent = dict[str, list[float]]


def set_up(folder: Path) -> None:
    """Django on an empty data folder."""
    os.environ["OVERREAD_DATA_DIR"] = str(folder)
    os.environ["OVERREAD_LOG_LEVEL"] = "ERROR"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.config.settings")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.pop("DATABASE_URL", None)
    import django

    django.setup()


def import_busi(data: Path, seed: int) -> Any:
    """A project with BUSI imported, its masks as readings, split by near-duplicate group."""
    from django.core.management import call_command

    from backend.archive.models import Archive
    from backend.projects.models import Project
    from backend.projects.services import create_project

    call_command("migrate", verbosity=0)
    busi = data / "busi"
    made = create_project(by=None, fields={"name": "BUSI", "slug": "busi", "modality": "US"})
    # The same seed, the same split: groups are keyed by the archive, splits by the project.
    Archive.objects.filter(pk=made.archive_id).update(key=f"{seed:064x}")
    Project.objects.filter(pk=made.pk).update(split_key=f"{seed:064x}")
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

    rows = list(labels(project, "POOL").order_by("case__source_name").values_list("pk", "case_id"))
    dropped = random.Random(seed).sample(rows, max(0, len(rows) - count))
    Lesion.objects.filter(reading__in=[pk for pk, _ in dropped]).delete()
    Reading.objects.filter(pk__in=[pk for pk, _ in dropped]).delete()
    Case.objects.filter(pk__in=[case for _, case in dropped]).update(is_open=True, readings_submitted=0)


def seconds_a_step(size: int, precision: str) -> float:
    """Wall seconds of one training step on this machine as it is now."""
    import numpy as np

    from workers.cnn.data import Samples
    from workers.cnn.plan import Plan, with_pretrained
    from workers.cnn.train import Recipe, Training

    empty = Samples(
        images=np.zeros((8, size, size), np.uint8),
        content=np.full((8, 2), size),
        targets=np.zeros((8, size, size), np.uint8),
        type_known=np.ones((8, 2), bool),
        findings=np.zeros((8, 3), np.uint8),
    )
    net = with_pretrained(Plan.plain(size)).net(n_types=2, n_findings=3)
    training = Training(empty, net=net, recipe=Recipe(steps=6, seed=0, precision=precision))
    training.advance()
    began = time.monotonic()
    for _ in training.run():
        pass
    return (time.monotonic() - began) / 5


def bare_loop(round_: Any) -> list[float]:
    """Wall and CPU seconds of the same steps on the same samples and unread images, with nothing around them."""
    from backend.learning.selectors import snapshot_readings, unread_cases
    from backend.learning.vocabulary import Vocabulary
    from workers.cnn.train import Recipe
    from workers.datasets import training_samples, unread_images
    from workers.networks import begin_training
    from workers.planning import settings_plan

    words = Vocabulary.from_dict(round_.settings["vocabulary"])
    size = round_.settings["image_size"]
    samples, _ = training_samples(snapshot_readings(round_), vocabulary=words, size=size)
    recipe = Recipe(steps=round_.settings["steps"], seed=round_.settings["seed"], precision=round_.settings["precision"])
    net = settings_plan(round_.settings).net(n_types=len(words.types), n_findings=len(words.outputs))
    unread, _ = unread_images(unread_cases(round_), size=size)
    training = begin_training(
        samples, net=net, recipe=recipe, start=None, processes=1, unread=unread if len(unread) else None
    )
    wall, cpu = time.monotonic(), time.process_time()
    for _ in training.run():
        pass
    return [time.monotonic() - wall, time.process_time() - cpu]


def timed(name: str, work: Callable[..., Any], spent: Spent) -> Callable[..., Any]:
    """The same work, and what it took: wall and CPU seconds are added up under its name."""

    def run(*given: Any, **more: Any) -> Any:
        wall, cpu = time.monotonic(), time.process_time()
        try:
            return work(*given, **more)
        finally:
            before = spent.setdefault(name, [0.0, 0.0])
            before[0] += time.monotonic() - wall
            before[1] += time.process_time() - cpu

    return run


def one_round(project: Any) -> tuple[Any, Spent]:
    """A real round under a real lease, and the wall and CPU seconds of its steps, of its loop, and of all ("round")."""
    from backend.jobs.services import claim_job, finish_job
    from backend.learning.services import start_round
    from workers import rounds, training

    spent: Spent = {}
    for state, step in list(rounds.STEPS.items()):
        rounds.STEPS[state] = timed(str(state), step, spent)
    training._run_training = timed("loop", training._run_training, spent)
    training.training_set = timed("loading", training.training_set, spent)
    training.train_prompts = timed("clicks", training.train_prompts, spent)
    round_ = start_round(project=project, by=None)
    lease = claim_job(str(round_.job_id))
    assert lease is not None
    timed("round", rounds.run_round, spent)(lease)
    finish_job(lease, lease.result)
    round_.refresh_from_db()
    return round_, spent


def measured(round_: Any, bare: list[float], spent: Spent) -> dict[str, Any]:
    """The numbers of the issue; every ratio is to the bare loop of the same steps."""
    version = round_.model_version
    evaluation = version.evaluations.get()
    told = {one["metric"]: one for one in evaluation.metrics if one["finding_type"] is None}
    truth = [case["truth"]["any"] for case in evaluation.per_case]
    return {
        "labels": version.n_labels,
        "steps": version.steps,
        "image_size": round_.settings["image_size"],
        "seed": round_.settings["seed"] - 1,
        "code_version": version.code_version,
        "validation": {
            "cases": evaluation.n_cases,
            "groups": evaluation.n_patients,
            "with_lesions": told["dice"]["n_positive"],
            "without": truth.count(0),
        },
        **{name: [told[name][key] for key in ("value", "low", "high")] for name in ("dice", "auc", "sensitivity_at_1")},
        "training_core_seconds": version.core_seconds,
        "bare_loop_seconds": [round(value, 1) for value in bare],
        "seconds_by_step_wall_cpu": {name: [round(value, 2) for value in pair] for name, pair in spent.items()},
        "loop_to_bare_wall": round(spent["loop"][0] / bare[0], 3),
        "loop_to_bare_cpu": round(spent["loop"][1] / bare[1], 3),
        # To learn clicks is a training of its own: the ratios of the automatic network's are told without it.
        "clicks_to_bare_cpu": round(spent["clicks"][1] / bare[1], 3),
        "training_step_to_bare_wall": round((spent["training"][0] - spent["clicks"][0]) / bare[0], 3),
        "training_step_to_bare_cpu": round((spent["training"][1] - spent["clicks"][1]) / bare[1], 3),
        "round_to_bare_wall": round((spent["round"][0] - spent["clicks"][0]) / bare[0], 3),
        "round_to_bare_cpu": round((spent["round"][1] - spent["clicks"][1]) / bare[1], 3),
        "aim_round_to_bare": AIM_RATIO,
        "pool_cases_predicted": round_.scores.count(),
        "precision": round_.settings["precision"],
        "load": os.getloadavg()[0],
    }


def main(arguments: list[str] | None = None) -> int:
    """Run it and print one JSON object; 0 also where the real data is absent, with the reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="default: as the product")
    parser.add_argument("--folder", type=Path, help="keep results here, and do not measure again what is there")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_learning: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        set_up(Path(folder))
        from workers.networks import code_version

        name = f"{options.labels}-{options.steps}-{options.size}-{options.seed}-{options.threads}-{code_version()}.json"
        kept = options.folder / name if options.folder else None
        if kept and kept.exists():
            print(kept.read_text())
            return 0
        told = json.dumps(measure(data, options), indent=1)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(told)
        print(told)
    return 0


def measure(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Say what it will cost, then import, label, train and compare."""
    import torch

    from backend.learning.models import TrainingPolicy
    from workers.networks import machine_precision

    torch.set_num_threads(options.threads)
    # A worker that has run a job is warm: the optimizer loads a compiler once per process.
    seconds = seconds_a_step(options.size, machine_precision())
    minutes = (2 * options.steps * seconds + FIXED_SECONDS) / 60
    print(
        f"bench_learning: about {minutes:.0f} minutes (aim: {AIM_MINUTES}) on the machine as busy as it is now: "
        f"{options.steps} steps in a round and again bare, {seconds:.2f} s each on {options.threads} thread(s)",
        file=sys.stderr,
        flush=True,
    )
    project = import_busi(data, options.seed)
    keep_labels(project, options.labels, options.seed)
    TrainingPolicy.objects.create(
        project=project, image_size=options.size, steps_scratch=options.steps, seed=options.seed
    )  # fmt: skip
    round_, spent = one_round(project)
    return measured(round_, bare_loop(round_), spent)


if __name__ == "__main__":
    sys.exit(main())
