"""Pointing at lesions on BUSI: clicks, a stroke, a box that is off, against the ellipse in that box; and how long a click
takes from request to mask.

`python -m tests.bench.bench_prompts [--steps 600] [--labels 200] [--unseen 120] [--seed 0] [--clicks 60]`, with `--clicks 0`
without the times; `--stroke-share 0` trains without strokes and takes each for three clicks. Real images
(OVERREAD_TEST_DATA), split by near-duplicate group. It trains `workers.cnn.prompt_training` as a round does, then asks a
real gunicorn and a real worker of the queue `infer`. A click: drawn from the middle of the lesion (at least half as deep
inside as its deepest pixel); a correction: the deepest place of the largest error; a stroke: a curve through three such
pixels; a box: each edge moved by up to 10 % of its sides.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tests.bench.bench_requests import ROOT, Product, sign_in, start
from tests.bench.pieces import measured_once, once_options

LEAST_PIXELS = 30
DRAWS = 1000
AIMS = {"click_1": 0.75, "click_3": 0.82}
AIM_MS = 300
SECONDS_A_STEP = 0.5
Bools = NDArray[np.bool_]


def busi_lesions(data: Path, seed: int) -> list[tuple[str, NDArray[np.uint8], Bools]]:
    """Group, image and mask of every lesion, the groups in a random order that follows from the seed."""
    folder = data / "busi"
    with (folder / "index.csv").open() as file:
        rows = [
            row for row in csv.DictReader(file) if row["has_lesion"] == "1" and (folder / "images" / row["file"]).exists()
        ]
    groups = sorted({row["near_dup_group"] for row in rows})
    random.Random(seed).shuffle(groups)
    place = {group: at for at, group in enumerate(groups)}
    found = []
    for row in sorted(rows, key=lambda row: (place[row["near_dup_group"]], row["file"])):
        image = np.array(Image.open(folder / "images" / row["file"]).convert("L"))
        mask = np.array(Image.open(folder / "masks" / row["file"]).convert("L")) > 0
        pieces, count = ndimage.label(mask, structure=np.ones((3, 3)))
        for number in range(1, count + 1):
            if (pieces == number).sum() >= LEAST_PIXELS:
                found.append((row["near_dup_group"], image, pieces == number))
    return found


def with_interval(values: list[float], groups: list[str], rng: np.random.Generator) -> list[float]:
    """Mean and its 95 % interval by bootstrap over near-duplicate groups."""
    names = sorted(set(groups))
    of_group = [np.array([value for value, group in zip(values, groups, strict=True) if group == name]) for name in names]
    sums, counts = np.array([one.sum() for one in of_group]), np.array([len(one) for one in of_group])
    drawn = rng.integers(len(names), size=(DRAWS, len(names)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return [round(float(value), 4) for value in (np.mean(values), *np.quantile(means, [0.025, 0.975]))]


def quality(data: Path, options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """Train on so many lesions' images and point at lesions of unseen groups; the training and the numbers."""
    from workers.cnn.checkpoint import network_of
    from workers.cnn.prompt_error import pointed_at
    from workers.cnn.prompt_training import PromptTraining, cut_lesion, gathered
    from workers.cnn.prompts import NET
    from workers.cnn.train import Recipe

    lesions = busi_lesions(data, options.seed)
    cut = [one for _, image, mask in lesions[: options.labels] if (one := cut_lesion(image, mask)) is not None]
    seen = {group for group, _, _ in lesions[: options.labels]}
    unseen = [lesion for lesion in lesions if lesion[0] not in seen][-options.unseen :]
    recipe = Recipe(steps=options.steps, seed=options.seed)
    training = PromptTraining(gathered(cut), recipe=recipe, stroke_share=options.stroke_share)
    for progress in training.run():
        if progress.step % 100 == 0:
            print(f"step {progress.step}: {progress.core_seconds:.0f} core-s", file=sys.stderr, flush=True)
    network = network_of(training.weights(), config=NET)
    rng = np.random.default_rng(options.seed)
    as_clicks = options.stroke_share == 0
    told = [pointed_at(network, image, mask, rng, strokes_as_clicks=as_clicks) for _, image, mask in unseen]
    groups = [group for group, _, _ in unseen]
    numbers: dict[str, Any] = {
        name: with_interval([one[name] for one in told], groups, np.random.default_rng(0)) for name in told[0]
    }
    gained = [one["box"] - one["ellipse"] for one in told]
    numbers["box minus ellipse, paired"] = with_interval(gained, groups, np.random.default_rng(0))
    return training, {
        "lesions_learned": len(cut), "unseen_lesions": len(unseen), "unseen_groups": len(set(groups)),
        "steps": training.step, "core_seconds": round(training.core_seconds, 1),
        "dice": numbers, "aims": AIMS,
    }  # fmt: skip


def listening(folder: Path) -> Iterator[None]:
    """A real worker of the queue `infer`, until the generator is closed."""
    from backend.jobs import questions

    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", "infer", "-c", "1", "-l", "WARNING"]
    environment = os.environ | {"OVERREAD_QUEUES": "infer", "OVERREAD_THREADS": "1"}
    with (folder / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 300
        while not questions._server().exists("overread:listens:prompts"):
            if time.monotonic() > deadline:
                raise RuntimeError((folder / "worker.log").read_text())
            time.sleep(0.1)
        yield
    finally:
        worker.terminate()
        worker.wait(30)


def latency(training: Any, data: Path, clicks: int) -> dict[str, Any]:
    """Milliseconds from request to answer over a kept connection: clicks on five images in turn."""
    from backend.accounts.models import User
    from backend.archive.models import Archive
    from backend.projects.models import Membership, Project
    from backend.registry.models import ModelVersion
    from tests.rows import add_pixels, make_case
    from workers.pointing import store_prompts

    archive = Archive.objects.create(slug="bench", name="Bench")
    project = Project.objects.create(slug="bench", name="Bench", modality="US", archive=archive, blinded_share=0.0)
    user = User.objects.create_user("bench", password=None)
    Membership.objects.create(project=project, user=user, role="reader")
    ModelVersion.objects.create(
        project=project, number=1, state="serves", weights_key="x", weights_sha256="x",
        config=store_prompts(training, f"models/{uuid.uuid4()}"), finding_type_ids=[], snapshot_hash="x", n_labels=1, seed=0,
        code_version="x", steps=1, core_seconds=1.0,
    )  # fmt: skip
    asked = []
    for _, image, mask in busi_lesions(data, 1)[:5]:
        case = make_case(project, rows=image.shape[0], columns=image.shape[1])
        add_pixels(case.instance, image[None])
        row, column = np.argwhere(mask)[mask.sum() // 2]
        asked.append((case, [[column + 0.5, row + 0.5]]))
    product, broker = start(Path(os.environ["OVERREAD_DATA_DIR"]))
    try:
        sign_in(product, user)
        for _ in listening(Path(os.environ["OVERREAD_DATA_DIR"])):
            spent = [_click(product, *asked[at % len(asked)]) for at in range(clicks + 10)][10:]
    finally:
        if product.connection is not None:
            product.connection.close()  # A server that ends waits for kept connections.
        product.web.terminate()
        product.web.wait(60)
        broker.terminate()
        broker.wait(15)
    late = sum(one is None for one in spent)
    times = [one for one in spent if one is not None] or [float("nan")]
    return {
        "clicks": clicks, "late": late, "p50_ms": round(float(np.median(times))),
        "p95_ms": round(float(np.quantile(times, 0.95))), "aim_p95_ms": AIM_MS,
    }  # fmt: skip


def _click(product: Product, case: Any, positive: list[list[float]]) -> float | None:
    """Milliseconds of one click; None where no answer came in time."""
    began = time.perf_counter()
    body = {"sop_instance_uid": case.instance.sop_instance_uid, "positive": positive}
    status, answer, _ = product.request("POST", f"/api/v1/projects/bench/cases/{case.pk}/segment/", body)
    if status not in (200, 503):
        raise RuntimeError(f"{status}: {answer.decode()[:300]}")
    return (time.perf_counter() - began) * 1000 if status == 200 else None


def main(arguments: list[str] | None = None) -> int:
    """Measure and print one JSON object; 0 also where the real data is absent, with the reason."""
    parser = once_options(__doc__, folder="var/bench/prompts")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--labels", type=int, default=200)
    parser.add_argument("--unseen", type=int, default=120)
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stroke-share", type=float, default=0.25)
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_prompts: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    guess = 2 + options.steps * SECONDS_A_STEP / 60
    about = {name: getattr(options, name) for name in ("labels", "steps", "unseen", "clicks", "seed", "stroke_share")}
    told = measured_once("prompts", options, about=about, guess_minutes=guess, measure=lambda: measure(data, options))
    if told is not None:
        print(json.dumps(told, indent=1))
    return 0


def measure(data: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Train, point, and ask the product how fast it answers, on a data folder of its own."""
    with tempfile.TemporaryDirectory(prefix="ovr-bench-") as folder:
        os.environ["OVERREAD_DATA_DIR"] = folder
        os.environ["OVERREAD_LOG_LEVEL"] = "ERROR"
        os.environ["DJANGO_SETTINGS_MODULE"] = "backend.config.settings"
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        for name in ("DATABASE_URL", "REDIS_URL", "OBJECT_STORE_URL"):
            os.environ.pop(name, None)
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        training, told = quality(data, options)
        told["quality_load"] = os.getloadavg()[0]
        print(json.dumps(told), file=sys.stderr, flush=True)
        if options.clicks:
            told["latency"] = latency(training, data, options.clicks)
        told["load"] = os.getloadavg()[0]
        return told


if __name__ == "__main__":
    sys.exit(main())
