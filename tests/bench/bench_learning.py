"""The learner on BUSI: what 100 labels give on VALIDATION, how well their scores are calibrated, and what a round costs.

`python -m tests.bench.bench_learning [--steps 1200] [--labels 100] [--seed 0] [--folder var/bench/learning]`. Real images
(OVERREAD_TEST_DATA), the real import, a real round in this process; the bare loop is `workers.cnn` alone on the same
samples and unread images. Then the version reads the POOL once more with nothing decoded before, beside bare PyTorch on the
same arrays. HOLDOUT is not touched.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench.pieces import measured_once, once_options

AIM_RATIO = 1.10
AIM_INFERENCE = 0.9
FIXED_SECONDS = 120  # Import, evaluation, prediction and ranking together, on two idle cores.
SECONDS_A_STEP = 0.3  # At 128², on one idle core with bfloat16.
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


def bare_loop(round_: Any) -> list[float]:
    """Wall and CPU seconds of the same steps on the same samples and unread images, with nothing around them."""
    from backend.learning.selectors import snapshot_readings, unread_cases
    from backend.learning.vocabulary import Vocabulary
    from workers.cnn.train import Recipe
    from workers.datasets import training_set, unread_images
    from workers.networks import begin_training
    from workers.planning import settings_plan

    words = Vocabulary.from_dict(round_.settings["vocabulary"])
    plan = settings_plan(round_.settings)
    samples, _ = training_set(snapshot_readings(round_), vocabulary=words, plan=plan)
    recipe = Recipe(steps=round_.settings["steps"], seed=round_.settings["seed"], precision=round_.settings["precision"])
    net = plan.net(n_types=len(words.types), n_findings=len(words.outputs))
    unread, _ = unread_images(unread_cases(round_), plan=plan)
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
        "calibration": calibration_told(version, evaluation),
        "reading": reading_beside_bare(version),
        "pool_cases_predicted": round_.scores.count(),
        "precision": round_.settings["precision"],
        "load": os.getloadavg()[0],
    }


def calibration_told(version: Any, evaluation: Any) -> dict[str, Any]:
    """Of each kind of score: slope after calibration, Brier and expected calibration error, cross-fitted on VALIDATION."""
    kept = version.calibration
    curves = {"lesion": kept["lesion"], **kept["outputs"]}
    diagrams = {one["name"]: one for one in evaluation.curves["reliability"]}
    told: dict[str, Any] = {}
    for name, curve in curves.items():
        lesion = name == "lesion"
        found = {
            one["metric"].removeprefix("lesion_"): one["value"]
            for one in evaluation.metrics
            if one["metric"].startswith("lesion_") == lesion
            and (lesion or one["finding_type"] == (None if name == "any" else int(name.split(":")[1])))
        }
        perfect = diagrams[name]["perfection"]["calibrated"]
        told[name] = {
            "n": curve["n"],
            "n_positive": curve["n_positive"],
            "note": curve["note"],
            "slope_after": curve["slope_after"] and [curve["slope_after"][key] for key in ("value", "low", "high")],
            **{key: found.get(key) for key in ("brier", "brier_calibrated", "ece", "ece_calibrated")},
            "ece_if_perfect_p95": perfect and perfect["p95"],
        }
    return told


def reading_beside_bare(version: Any) -> dict[str, Any]:
    """Images a second that the version reads, from stored DICOM to stored readings, beside bare PyTorch on the arrays."""
    import numpy as np
    import torch
    from django.conf import settings

    from backend.jobs.services import claim_job, finish_job
    from backend.learning.selectors import unread_by
    from backend.readings.models import Reading
    from backend.registry.services import order_predictions, promote_version
    from workers.cnn.data import content_mask, standardise, to_channels
    from workers.datasets import case_images
    from workers.networks import load_version
    from workers.pool import predict_pool

    loaded = load_version(version)
    promote_version(version=version, by=None)  # Whatever the gate found: how fast it reads is asked here.
    Reading.objects.filter(reader__model_version=version).delete()
    cases = list(unread_by(version))
    decoded = [case_images(case, loaded.plan) for case in cases]
    images = np.concatenate([loaded.inputs(one) for one in decoded])
    content = np.concatenate([one.content for one in decoded])
    batches = [
        standardise(to_channels(images[at : at + 8]), content_mask(content[at : at + 8], images.shape[-1]))
        for at in range(0, len(images), 8)
    ]
    shutil.rmtree(settings.DATA_DIR / "cache")
    lease = claim_job(str(order_predictions(version=version, by=None).pk))
    assert lease is not None
    spent: Spent = {}
    timed("product", predict_pool, spent)(lease)
    finish_job(lease, lease.result)

    def bare() -> None:
        with torch.inference_mode():
            for batch in batches:
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=loaded.precision == "bfloat16"):
                    loaded.network(batch)

    timed("bare", bare, spent)()
    return {
        "images": len(images),
        "product_seconds_wall_cpu": [round(one, 2) for one in spent["product"]],
        "bare_seconds_wall_cpu": [round(one, 2) for one in spent["bare"]],
        "product_to_bare_throughput_wall": round(spent["bare"][0] / spent["product"][0], 3),
        "product_to_bare_throughput_cpu": round(spent["bare"][1] / spent["product"][1], 3),
        "aim": AIM_INFERENCE,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run it and print one JSON object; 0 also where the real data is absent, with the reason."""
    parser = once_options(__doc__, folder="var/bench/learning")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) - 1), help="default: as the product")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_learning: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    seconds = SECONDS_A_STEP * (options.size / 128) ** 2
    guess = (2 * options.steps * seconds + FIXED_SECONDS) / 60
    about = {name: getattr(options, name) for name in ("labels", "steps", "size", "seed", "threads")}
    told = measured_once("learning", options, about=about, guess_minutes=guess, measure=lambda: measure(data, options))
    if told is not None:
        print(json.dumps(told, indent=1))
    return 0


def measure(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Import, label, train and compare."""
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        set_up(Path(folder))
        import torch

        from backend.learning.models import TrainingPolicy

        torch.set_num_threads(options.threads)
        project = import_busi(data, options.seed)
        keep_labels(project, options.labels, options.seed)
        TrainingPolicy.objects.create(
            project=project, image_size=options.size, steps_scratch=options.steps, seed=options.seed
        )  # fmt: skip
        round_, spent = one_round(project)
        return measured(round_, bare_loop(round_), spent)


if __name__ == "__main__":
    sys.exit(main())
