"""Does the default choice of what to read next beat random? Replayed on public sets, many seeds, by arrays alone.

`python -m tests.bench.bench_acquisition [--set busi] [--size 64] [--seeds 30] [--minutes 60] [--folder FOLDER]`.
Every function starts from the same random labels, the same split and the same training seeds, so differences are paired.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from backend.metrics.ranking import auc
from tests.bench.learning_sets import SETS, LearningSet, measured
from tests.bench.pieces import Piece, Result, code_digest, piece_options, run_pieces
from workers.cnn.acquisition import ACQUISITIONS, score_cases
from workers.cnn.batches import draw_batch
from workers.cnn.candidates import Candidates, columns_of
from workers.cnn.checkpoint import network_of
from workers.cnn.measures import Panel, measure_case
from workers.cnn.model import UNet, Weights
from workers.cnn.predict import Predictions, predict
from workers.cnn.train import SCRATCH_RATE, WARM_RATE, Recipe, Training, probe_precision

START: Final = 16
BATCH: Final = 16
ROUNDS: Final = 4
STEPS_SCRATCH: Final = 120
STEPS_WARM: Final = 60
N_TEST: Final = 200
MOST_POOL: Final = 1000
ARMS: Final = {"default": ("clasp_pe", 0.3), "random": ("random", 1.0), "foreground": ("foreground_aware_random", 0.0)}
FULL: Final = "full pool"
"""Beside the arms: the whole pool with as many steps as all rounds have together."""
SHARES: Final = (0.90, 0.95)
DECIDING: Final = ("model", "pretrained", "plan", "data", "train", "predict", "acquisition", "measures", "batches")
CODE: Final = tuple(f"workers/cnn/{name}.py" for name in DECIDING)


def train(
    known: LearningSet, rows: NDArray[np.int64], *, steps: int, seed: int, start: Weights | None, precision: str
) -> Weights:
    """One training on these labels, from scratch or from the weights of the round before."""
    recipe = Recipe(steps=steps, seed=seed, rate=WARM_RATE if start else SCRATCH_RATE, precision=precision)
    network = network_of(start, config=known.net) if start else None
    training = Training(known.samples.take(rows), net=known.net, recipe=recipe, start=network)
    for _ in training.run():
        pass
    return training.weights()


def read(known: LearningSet, network: UNet, rows: NDArray[np.int64], precision: str) -> Predictions:
    """What the network says of these images."""
    return predict(network, known.samples.images[rows], known.samples.content[rows], precision=precision)


def acquire(
    known: LearningSet, network: UNet, unread: NDArray[np.int64], *, arm: str, number: int, seed: int, precision: str
) -> NDArray[np.int64]:
    """The next batch of the unread rows, as a round of the product chooses it."""
    name, random_share = ARMS[arm]
    asked = ACQUISITIONS[name]
    panel = Panel(network, precision=precision)
    said = read(known, network, unread, precision)
    cases = []
    for at, row in enumerate(unread):
        one = Predictions(said.types[at : at + 1], said.findings[at : at + 1], said.embedding[at : at + 1])
        images, content = known.samples.images[row : row + 1], known.samples.content[row : row + 1]
        cases.append(measure_case(one, images, content, needs=asked.columns, panel=panel).columns)
    wanted = max(1, BATCH - int(np.ceil(BATCH * random_share)))
    candidates = Candidates(len(unread), columns_of(cases), round_number=number, wanted=wanted)
    scores = score_cases(name, candidates, np.random.default_rng([seed, number]))
    generator = np.random.default_rng([seed, number, 1])
    groups = [str(known.groups[row]) for row in unread]
    drawn = draw_batch(scores, groups, size=BATCH, random_share=random_share, generator=generator)
    return unread[[one.row for one in drawn]]


def measure(piece: Piece) -> Result:
    """One replay: after each training, what it says of the test."""
    torch.set_num_threads(1)
    known = SETS[piece["set"]](Path(os.environ["OVERREAD_TEST_DATA"]), piece["size"])
    precision = probe_precision(piece["size"], net=known.net)
    seed, arm = piece["seed"], piece["arm"]
    pool, test = known.split(seed, N_TEST)
    pool = pool[:MOST_POOL]

    def point(weights: Weights, labels: NDArray[np.int64]) -> dict[str, Any]:
        said = read(known, network_of(weights, config=known.net), test, precision)
        told = measured(known, test, said.types, said.findings)
        dice = [one for one in told["dice"] if one is not None]
        return {
            "labels": len(labels),
            "dice": float(np.mean(dice)) if dice else None,
            "auc": auc(known.truth[test], np.array(told["score"])),
            "kinds": np.bincount(known.kinds[labels], minlength=1 + known.net.n_types).tolist(),
        }

    if arm == FULL:
        steps = STEPS_SCRATCH + ROUNDS * STEPS_WARM
        return {"points": [point(train(known, pool, steps=steps, seed=seed, start=None, precision=precision), pool)]}
    labels, weights = pool[:START], None
    points = []
    for number in range(ROUNDS + 1):
        steps = STEPS_WARM if weights else STEPS_SCRATCH
        weights = train(known, labels, steps=steps, seed=seed * 100 + number, start=weights, precision=precision)
        points.append(point(weights, labels))
        if number < ROUNDS:
            network = network_of(weights, config=known.net)
            unread = np.setdiff1d(pool, labels)
            batch = acquire(known, network, unread, arm=arm, number=number + 1, seed=seed, precision=precision)
            labels = np.concatenate([labels, batch])
    return {"points": points}


def area(points: Sequence[dict[str, Any]], metric: str) -> float:
    """Mean height of the learning curve: the area under it divided by its width."""
    labels, values = [one["labels"] for one in points], [one[metric] for one in points]
    return float(np.trapezoid(values, labels) / (labels[-1] - labels[0]))


def labels_to_reach(points: Sequence[dict[str, Any]], metric: str, level: float) -> float | None:
    """How many labels the mean curve needs for this height, linear between its points; None where it stays below."""
    for before, after in zip(points, points[1:], strict=False):
        if before[metric] >= level:
            return float(before["labels"])
        if after[metric] >= level:
            share = (level - before[metric]) / (after[metric] - before[metric])
            return float(before["labels"] + share * (after["labels"] - before["labels"]))
    return None


def summary(found: Sequence[Result], metric: str, n_pool: int) -> dict[str, Any]:
    """Mean curves, paired differences of the area, and the labels that reach 90 and 95 % of the full pool.

    The intervals are 95 % bootstrap intervals over seeds; a seed has a split, first labels and a training of its own.
    """
    by_arm: dict[str, dict[int, list[dict[str, Any]]]] = {}
    for one in found:
        by_arm.setdefault(one["piece"]["arm"], {})[one["piece"]["seed"]] = one["points"]
    told: dict[str, Any] = {"metric": metric, "curves": {}, "seeds": {name: len(runs) for name, runs in by_arm.items()}}
    full = by_arm.pop(FULL, {})
    target = float(np.mean([points[0][metric] for points in full.values()])) if full else None
    told["full_pool"] = target
    for name, runs in by_arm.items():
        curve = [
            {"labels": at[0]["labels"], metric: float(np.mean([one[metric] for one in at]))}
            for at in zip(*runs.values(), strict=True)
        ]
        told["curves"][name] = [round(one[metric], 4) for one in curve]
        if target:
            reached = {f"{share:.0%}": labels_to_reach(curve, metric, share * target) for share in SHARES}
            told.setdefault("percent_of_pool_for", {})[name] = {
                share: round(100 * labels / n_pool, 1) if labels else f"> {100 * curve[-1]['labels'] / n_pool:.0f}"
                for share, labels in reached.items()
            }
    for other in ("random", "foreground"):
        both = sorted(set(by_arm.get("default", {})) & set(by_arm.get(other, {})))
        if len(both) < 5:
            continue
        gain = np.array([area(by_arm["default"][s], metric) - area(by_arm[other][s], metric) for s in both])
        draws = np.random.default_rng(0).integers(len(gain), size=(10_000, len(gain)))
        low, high = np.quantile(gain[draws].mean(axis=1), [0.025, 0.975])
        told[f"default_minus_{other}"] = {
            "seeds": len(both),
            "mean": round(float(gain.mean()), 4),
            "interval": [round(float(low), 4), round(float(high), 4)],
        }
    return told


def _guess(piece: Piece) -> float:
    steps = STEPS_SCRATCH + ROUNDS * STEPS_WARM
    return 10 + steps * 0.11 * (piece["size"] / 64) ** 2


def _line(told: Result) -> str:
    piece, last = told["piece"], told["points"][-1]
    heights = " ".join(f"{name} {last[name]:.3f}" for name in ("dice", "auc") if last[name] is not None)
    named = f"{piece['set']} {piece['size']} {piece['arm']} seed {piece['seed']}"
    return f"{named}: {heights} at {last['labels']} ({told['core_seconds']} core-s)"


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing within the minutes, then print the summary as JSON; 0 also where the real data is absent."""
    parser = piece_options(__doc__, size=64, seeds=30, folder="var/bench/acquisition")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_acquisition: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    digest = code_digest(CODE)
    pieces = [
        {"set": options.set, "size": options.size, "arm": arm, "seed": seed, "code": digest}
        for seed in range(options.seeds)
        for arm in (*ARMS, *((FULL,) if seed < 10 else ()))
    ]
    found = run_pieces(
        pieces,
        measure=measure,
        folder=options.folder,
        minutes=options.minutes,
        processes=options.processes,
        guess_core_seconds=_guess,
        tell=_line,
    )
    known = SETS[options.set](data, options.size)
    n_pool = min(MOST_POOL, len(known.split(0, N_TEST)[0]))
    metrics = ["dice", "auc"] if known.outlined.sum() >= 100 else ["auc"]
    summaries = [summary(found, metric, n_pool) for metric in metrics]
    print(json.dumps({"set": options.set, "size": options.size, "pool": n_pool, "summaries": summaries}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
