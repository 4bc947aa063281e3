"""What the learner makes of few labels, beside a bare small U-Net on the same labels and the same test.

`python -m tests.bench.bench_labels [--set busi] [--size 128] [--labels 50 200] [--seeds 5] [--minutes 60]`.
Each has several step budgets and counts with the best of them. Core-seconds stand beside every figure.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.metrics.ranking import auc
from tests.bench.learning_sets import SETS, LearningSet, measured
from tests.bench.pieces import Piece, Result, code_digest, piece_options, run_pieces
from workers.cnn.data import IGNORED, Samples
from workers.cnn.model import NetConfig, UNet, build_network, set_priors
from workers.cnn.plan import OWN
from workers.cnn.predict import predict
from workers.cnn.self_training import SelfTraining, Unread
from workers.cnn.train import Recipe, Training, probe_precision

N_TEST: Final = 200
WHOLE: Final = 10_000
"""More labels than any pool has: all of it."""
STEPS: Final = {"learner": (1200, 2400), "alone": (600, 2000), "own": (600, 2000, 4000), "bare": (600, 2000, 4000)}
"""What a project begins with, and others: of each arm the best budget counts. The learner's are of teacher and student."""
RESAMPLES: Final = 2000
NETWORK: Final = tuple(f"workers/cnn/{name}.py" for name in ("model", "pretrained", "plan", "data", "train", "predict"))
CODE: Final = {"learner": (*NETWORK, "workers/cnn/self_training.py")}
"""An arm's pieces are measured anew when these of its files change."""
ARMS: Final = tuple(STEPS)
"""The learner as it is; without unread images; with an encoder that learns all from the labels; a plain U-Net."""
FEW: Final = 20
"""Of fewer labels no teacher is made (`workers.training`)."""


def batch_dice(logits: Tensor, targets: Tensor) -> Tensor:
    """1 − soft Dice of the types that a batch shows, over the batch as one: as plain U-Nets are trained."""
    valid = (targets != IGNORED)[:, None]
    shares = logits.softmax(dim=1) * valid
    truth = nn.functional.one_hot(targets.masked_fill(targets == IGNORED, 0), logits.shape[1]).movedim(-1, 1) * valid
    overlap, size = ((one).sum(dim=(0, 2, 3))[1:] for one in (shares * truth, shares + truth))
    shown = truth.sum(dim=(0, 2, 3))[1:] > 0
    if not bool(shown.any()):
        return logits.sum() * 0
    return (1 - (2 * overlap + 1) / (size + 1))[shown].mean()


def built(arm: str, *, net: NetConfig, samples: Samples, seed: int) -> UNet:
    """A network as a training from scratch begins with it; the bare one tells background and types by one convolution."""
    network = build_network(net, seed=seed)
    if arm == "bare":
        head = nn.Conv2d(net.widths[0], 1 + net.n_types, 1)
        nn.init.normal_(head.weight, std=0.01, generator=torch.Generator().manual_seed(seed))
        network.type_head = head
    set_priors(network, type_shares=samples.type_shares(), finding_shares=samples.finding_shares())
    return network


def recipe_of(arm: str, *, steps: int, seed: int, precision: str) -> Recipe:
    """The bare network is trained as plainly as it can be; the learner as the product trains."""
    if arm == "bare":
        return Recipe(steps=steps, seed=seed, precision=precision, balanced_share=0.0)
    return Recipe(steps=steps, seed=seed, precision=precision)


def measure(piece: Piece) -> Result:
    """One training from scratch, and what it says of every image of the test."""
    torch.set_num_threads(1)
    known = SETS[piece["set"]](Path(os.environ["OVERREAD_TEST_DATA"]), piece["size"])
    net = known.net if piece["arm"] in ("learner", "alone") else known.net_with(OWN)
    precision = probe_precision(piece["size"], net=net)
    pool, test = known.split(piece["seed"], N_TEST)
    labels, unread = pool[: piece["labels"]], pool[piece["labels"] :]
    recipe = recipe_of(piece["arm"], steps=piece["steps"], seed=piece["seed"], precision=precision)
    training = begun(
        piece["arm"], net=net, recipe=recipe, samples=known.samples.take(labels), unread=known.samples.take(unread)
    )
    with patch("workers.cnn.train.dice_loss", batch_dice) if piece["arm"] == "bare" else nullcontext():
        for _ in training.run():
            pass
    network = training.network
    network.load_state_dict(training.weights())
    said = predict(network, known.samples.images[test], known.samples.content[test], precision=precision)
    told = measured(known, test, said.types, said.findings)
    return {"n_labels": len(labels), "training_core_seconds": round(training.core_seconds, 1), **told}


def begun(arm: str, *, net: NetConfig, recipe: Recipe, samples: Samples, unread: Samples) -> Training | SelfTraining:
    """The arm's training before its first step; what `unread` is labelled as is not looked at."""
    if arm == "learner" and len(samples) >= FEW and len(unread):
        return SelfTraining(
            samples,
            Unread(unread.images, unread.content),
            recipe=recipe,
            begin=lambda both, half: Training(both, net=net, recipe=half),
        )
    return Training(samples, net=net, recipe=recipe, start=built(arm, net=net, samples=samples, seed=recipe.seed))


def _outlined(one: Result) -> NDArray[np.float64]:
    return np.array([dice for dice in one["dice"] if dice is not None], dtype=np.float64)


def _height(one: Result, known: LearningSet) -> dict[str, float | None]:
    """Dice, AUC and share of right types of one training."""
    dice = _outlined(one)
    right = [value for value in one.get("type_right", []) if value is not None]
    return {
        "dice": float(dice.mean()) if dice.size else None,
        "auc": auc(known.truth[one["rows"]], np.array(one["score"])),
        "type": float(np.mean(right)) if right else None,
    }


def two_level_interval(by_seed: Sequence[tuple[NDArray[np.float64], NDArray[np.str_]]]) -> tuple[float, float, float]:
    """Mean over seeds of per-image values, with a 95 % interval: seeds are drawn, then groups of images within each."""
    generator = np.random.default_rng(0)
    sums = []
    for values, groups in by_seed:
        names, at = np.unique(groups, return_inverse=True)
        sums.append((np.bincount(at, values, len(names)), np.bincount(at, minlength=len(names))))
    draws = []
    for _ in range(RESAMPLES):
        means = []
        for seed in generator.integers(len(sums), size=len(sums)):
            totals, counts = sums[seed]
            rows = generator.integers(len(totals), size=len(totals))
            means.append(totals[rows].sum() / counts[rows].sum())
        draws.append(np.mean(means))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(np.mean([values.mean() for values, _ in by_seed])), float(low), float(high)


def summary(found: Sequence[Result], known: LearningSet) -> dict[str, Any]:
    """A row for each arm, number of labels and step budget; then the learner beside the best of the others, paired."""
    runs: dict[tuple[str, int, int], dict[int, Result]] = {}
    for one in found:
        piece = one["piece"]
        runs.setdefault((piece["arm"], piece["labels"], piece["steps"]), {})[piece["seed"]] = one
    rows = []
    for (arm, labels, steps), by_seed in sorted(runs.items()):
        each = [_height(one, known) for one in by_seed.values()]
        row: dict[str, Any] = {"arm": arm, "labels": labels, "steps": steps, "seeds": len(each)}
        for name in ("dice", "auc", "type"):
            values = [value for one in each if (value := one[name]) is not None]
            row[name] = round(float(np.mean(values)), 4) if values else None
        row["training_core_seconds"] = round(float(np.mean([one["training_core_seconds"] for one in by_seed.values()])))
        rows.append(row)
    told: dict[str, Any] = {"rows": rows, "learner_minus": []}
    # Of several step budgets the best one counts: the later in this order takes the place of the earlier.
    heights = sorted((row for row in rows if row["dice"] is not None), key=lambda row: row["dice"])
    best = {(row["arm"], row["labels"]): (row["arm"], row["labels"], row["steps"]) for row in heights}
    for _, mine in sorted((key, at) for key, at in best.items() if key[0] == "learner"):
        for _, others in sorted((key, at) for key, at in best.items() if key[0] != "learner"):
            seeds = sorted(set(runs[mine]) & set(runs[others]))
            if not seeds:
                continue
            pairs = []
            for seed in seeds:
                one, other = runs[mine][seed], runs[others][seed]
                outlined = [row for row, dice in zip(one["rows"], one["dice"], strict=True) if dice is not None]
                pairs.append((_outlined(one) - _outlined(other), known.groups[outlined]))
            mean, low, high = two_level_interval(pairs)
            told["learner_minus"].append(
                {
                    "learner_labels": mine[1],
                    "arm": others[0],
                    "labels": others[1],
                    "steps": others[2],
                    "seeds": len(seeds),
                    "dice": round(mean, 4),
                    "interval": [round(low, 4), round(high, 4)],
                }
            )
    return told


def _line(told: Result) -> str:
    piece, dice = told["piece"], _outlined(told)
    training = f"{piece['arm']} {told['n_labels']} labels {piece['steps']} steps seed {piece['seed']}"
    height = f"Dice {dice.mean():.3f}" if dice.size else "image findings only"
    return f"{piece['set']} {piece['size']} {training}: {height} ({told['training_core_seconds']} core-s)"


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing within the minutes, then print the summary as JSON; 0 also where the real data is absent."""
    parser = piece_options(__doc__, size=128, seeds=5, folder="var/bench/labels")
    parser.add_argument("--labels", type=int, nargs="+", default=[50, 200, 25, 100, WHOLE])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--steps", type=int, nargs="+", help="these budgets for every arm, in place of each one's own")
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_labels: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    budgets = {arm: options.steps or STEPS[arm] for arm in options.arms}
    pieces = [
        {
            "set": options.set,
            "size": options.size,
            "arm": arm,
            "labels": labels,
            "steps": steps,
            "seed": seed,
            "code": code_digest(CODE.get(arm, NETWORK)),
        }
        for labels in options.labels
        for seed in range(options.seeds)
        for arm in options.arms
        for steps in budgets[arm]
    ]
    found = run_pieces(
        pieces,
        measure=measure,
        folder=options.folder,
        minutes=options.minutes,
        processes=options.processes,
        guess_core_seconds=lambda piece: 20 + piece["steps"] * 0.29 * (piece["size"] / 128) ** 2,
        tell=_line,
    )
    print(json.dumps(summary(found, SETS[options.set](data, options.size)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
