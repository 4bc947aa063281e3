"""Which margin the gate can show with how many VALIDATION patients: how often versions of real trainings would serve.

`python -m tests.bench.bench_gate [--set busi] [--size 64] [--seeds 3] [--steps 800] [--minutes 60]`. A champion of 100
labels is challenged by one trained anew on 125, by one that went on from it for 30 steps with 112 (as the two tracks do),
and by one of 25 labels that is really worse. All read the same images; VALIDATION is drawn from these, patients with
replacement, and the gate's own comparison is asked with every margin.
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

from tests.bench.bench_learning import set_up
from tests.bench.learning_sets import SETS, LearningSet, measured
from tests.bench.pieces import Piece, Result, code_digest, piece_options, run_pieces
from workers.cnn.checkpoint import network_of
from workers.cnn.data import Samples
from workers.cnn.predict import predict
from workers.cnn.train import FAST_RATE, SCRATCH_RATE, Recipe, Training, probe_precision

N_TEST: Final = 300
LABELS: Final = {"champion": 100, "slow": 125, "fast": 112, "poorer": 25}
FAST_STEPS: Final = 30
PATIENTS: Final = (30, 60, 100, 200, 400)
MARGINS: Final = (None, 0.02, 0.05, 0.1, 0.15, 0.2)
DRAWS: Final = 100
CODE: Final = tuple(f"workers/cnn/{name}.py" for name in ("model", "pretrained", "plan", "data", "train", "predict"))


def measure(piece: Piece) -> Result:
    """The trainings of one split, and what each network says of every image of the test."""
    torch.set_num_threads(1)
    known = SETS[piece["set"]](Path(os.environ["OVERREAD_TEST_DATA"]), piece["size"])
    precision = probe_precision(piece["size"], net=known.net)
    pool, test = known.split(piece["seed"], N_TEST)
    weights, told = None, {}
    for place, (name, labels) in enumerate(LABELS.items()):
        recipe = _recipe(name, piece["steps"], seed=100 * piece["seed"] + place, precision=precision)
        start = network_of(weights, config=known.net) if name == "fast" and weights is not None else None
        training = Training(known.samples.take(pool[:labels]), net=known.net, recipe=recipe, start=start)
        for _ in training.run():
            pass
        if name == "champion":
            weights = training.weights()
        network = network_of(training.weights(), config=known.net)
        images: Samples = known.samples.take(test)
        said = predict(network, images.images, images.content, precision=recipe.precision)
        told[name] = measured(known, test, said.types, said.findings)
    return {"networks": told}


def _recipe(name: str, steps: int, *, seed: int, precision: str) -> Recipe:
    if name == "fast":
        return Recipe(steps=FAST_STEPS, seed=seed, rate=FAST_RATE, precision=precision)
    return Recipe(steps=steps, seed=seed, rate=SCRATCH_RATE, precision=precision)


def serving(one: Result, name: str, known: LearningSet, patients: int) -> list[Sequence[dict[str, Any]]]:
    """The gate's differences to the champion in every simulated VALIDATION."""
    from backend.learning.gate import differences

    networks, generator = one["networks"], np.random.default_rng([one["piece"]["seed"], patients])
    rows = np.array(networks["champion"]["rows"])
    groups = known.groups[rows]
    names = np.unique(groups)
    found = []
    for _ in range(DRAWS):
        drawn = generator.choice(names, patients)
        at = [(place, int(row)) for place, group in enumerate(drawn) for row in np.flatnonzero(groups == group)]
        found.append(differences(_cases(networks[name], at, known), _cases(networks["champion"], at, known), seed=0))
    return found


def _cases(told: Result, at: Sequence[tuple[int, int]], known: LearningSet) -> list[dict[str, Any]]:
    """What the gate is told of the drawn images: each drawn patient is another one."""
    return [
        {
            "case": f"{place} {row}",
            "group": str(place),
            "complete": told["dice"][row] is not None,
            "hits": [],
            "dice": told["dice"][row],
            "truth": {"any": int(known.truth[told["rows"][row]])},
            "scores": {"any": told["score"][row]},
        }
        for place, row in at
    ]


def _passes(compared: Sequence[dict[str, Any]], margin: float | None) -> bool:
    if margin is None:
        return all(one["high"] >= 0 for one in compared)
    return bool(compared) and all(one["low"] > -margin for one in compared)


def summary(found: Sequence[Result], known: LearningSet) -> list[dict[str, Any]]:
    """A row for each challenger and number of patients: the share that serves by each margin, and how wide intervals are."""
    rows = []
    for name in list(LABELS)[1:]:
        for patients in PATIENTS:
            drawn = [compared for one in found for compared in serving(one, name, known, patients)]
            row: dict[str, Any] = {"challenger": name, "patients": patients}
            for metric in ("dice", "auc"):
                row |= _widths(metric, [one for compared in drawn for one in compared if one["metric"] == metric])
            row["serves"] = {
                str(margin): round(float(np.mean([_passes(compared, margin) for compared in drawn])), 2)
                for margin in MARGINS
            }
            rows.append(row)
    return rows


def _widths(metric: str, compared: Sequence[dict[str, Any]]) -> dict[str, float]:
    if not compared:
        return {}
    below: NDArray[np.float64] = np.array([one["difference"] - one["low"] for one in compared])
    values = [one["difference"] for one in compared]
    return {metric: round(float(np.mean(values)), 3), f"{metric}_below": round(float(np.median(below)), 3)}


def main(arguments: list[str] | None = None) -> int:
    """Run what is missing within the minutes, then print the summary as JSON; 0 also where the real data is absent."""
    parser = piece_options(__doc__, size=64, seeds=3, folder="var/bench/gate")
    parser.add_argument("--steps", type=int, default=800)
    options = parser.parse_args(arguments)
    data = Path(os.environ.get("OVERREAD_TEST_DATA", ""))
    if not (data / "busi").is_dir():
        print("bench_gate: skipped, OVERREAD_TEST_DATA does not name the folder of real images")
        return 0
    pieces = [
        {"set": options.set, "size": options.size, "steps": options.steps, "seed": seed, "code": code_digest(CODE)}
        for seed in range(options.seeds)
    ]
    found = run_pieces(
        pieces,
        measure=measure,
        folder=options.folder,
        minutes=options.minutes,
        processes=options.processes,
        guess_core_seconds=lambda piece: 20 + 3 * piece["steps"] * 0.29 * (piece["size"] / 128) ** 2,
        tell=lambda told: f"{told['piece']['set']} seed {told['piece']['seed']}: {told['core_seconds']} core-seconds",
    )
    set_up(options.folder)
    print(json.dumps(summary(found, SETS[options.set](data, options.size)), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
