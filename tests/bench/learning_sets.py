"""The public sets that the learner is measured on, as arrays in the network grid, and their splits by patient.

Each set's folder tells whose images these are and under what terms. A split is decided by its seed alone: groups
(patients, near-duplicates) are shuffled, the first go to the test until it has its size, the rest are the pool.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional

from workers.cnn.data import UNKNOWN, Letterbox, Mark, Samples, draw_target, shrink_image, shrink_target
from workers.cnn.device import compute_device
from workers.cnn.model import NetConfig
from workers.cnn.plan import PRETRAINED, CaseFacts, fingerprint_of, make_plan


@dataclass(frozen=True, slots=True)
class LearningSet:
    """All images of a set. `truth` bool [N]: has what is looked for; `groups` [N]: never split.

    `kinds` int [N]: which lesion type an image shows (1…), 0 none; `outlined` bool [N]: its lesion pixels are known.
    """

    name: str
    samples: Samples
    truth: NDArray[np.bool_]
    kinds: NDArray[np.int64]
    outlined: NDArray[np.bool_]
    groups: NDArray[np.str_]
    size: int

    @property
    def net(self) -> NetConfig:
        """The network that the product plans for these images; finding 0 is "any"."""
        return self.net_with(PRETRAINED)

    def net_with(self, encoder: str) -> NetConfig:
        """The same with this encoder, `plan.PRETRAINED` or `plan.OWN`."""
        rows, columns = self.samples.images.shape[-2:]
        facts = [CaseFacts(1, rows, columns, None, "")]
        plan = make_plan(fingerprint_of(facts), device=compute_device().type, size=self.size, encoder=encoder)
        return plan.net(n_types=self.samples.type_known.shape[1], n_findings=self.samples.findings.shape[1])

    def split(self, seed: int, n_test: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the pool, shuffled (its first k are k random labels), and of the test."""
        generator = np.random.default_rng([seed, 20])
        names = generator.permutation(np.unique(self.groups))
        members = {name: np.flatnonzero(self.groups == name) for name in names}
        sizes = np.cumsum([len(members[name]) for name in names])
        cut = int(np.searchsorted(sizes, n_test)) + 1
        test = np.concatenate([members[name] for name in names[:cut]])
        pool = np.concatenate([members[name] for name in names[cut:]])
        return generator.permutation(pool), np.sort(test)


def _grey(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as opened:
        return np.asarray(opened.convert("L"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as table:
        return list(csv.DictReader(table))


def busi(data: Path, size: int) -> LearningSet:
    """Breast ultrasound: benign and malignant masses outlined; grouped by near-duplicates, for there is no patient id."""
    folder = data / "busi"
    kinds = {"normal": 0, "benign": 1, "malignant": 2}
    rows = [row for row in _rows(folder / "index.csv") if (folder / "images" / row["file"]).exists()]
    images, content, targets = [], [], []
    for row in rows:
        grey = _grey(folder / "images" / row["file"])
        with Image.open(folder / "masks" / row["file"]) as opened:
            mask = np.asarray(opened.convert("1"))
        marks = [Mark("mask", kinds[row["class"]], mask=mask)] if mask.any() else []
        target = draw_target(marks, rows=grey.shape[0], columns=grey.shape[1], complete=True)
        images.append(shrink_image(grey, size=size))
        content.append(Letterbox(*grey.shape, size).content)
        targets.append(shrink_target(target, size=size))
    kind = np.array([kinds[row["class"]] for row in rows])
    samples = Samples(
        images=np.stack(images),
        content=np.array(content, dtype=np.int64),
        targets=np.stack(targets),
        type_known=np.ones((len(rows), 2), bool),
        findings=np.stack([kind > 0, kind == 1, kind == 2], axis=1).astype(np.uint8),
    )
    groups = np.array([row["near_dup_group"] for row in rows])
    return LearningSet("busi", samples, kind > 0, kind, kind > 0, groups, size)


def nih(data: Path, size: int) -> LearningSet:
    """Chest radiographs, pneumonia or no finding by report; some pneumonias boxed; grouped by patient."""
    folder = data / "nih_cxr"
    rows = [row for row in _rows(folder / "index.csv") if (folder / "images256" / row["file"]).exists()]
    boxes: dict[str, list[Mark]] = {}
    for box in _rows(folder / "boxes_1024.csv"):
        if box["finding"] == "Pneumonia":
            left, top, width, height = (float(box[key]) / 4 for key in "xywh")
            boxes.setdefault(box["file"], []).append(Mark("box", 1, [[left, top], [left + width, top + height]]))
    images, content, targets = [], [], []
    for row in rows:
        grey = _grey(folder / "images256" / row["file"])
        marks = boxes.get(row["file"], [])
        is_complete = bool(marks) or row["class"] == "normal"
        target = draw_target(marks, rows=grey.shape[0], columns=grey.shape[1], complete=is_complete)
        images.append(shrink_image(grey, size=size))
        content.append(Letterbox(*grey.shape, size).content)
        targets.append(shrink_target(target, size=size))
    truth = np.array([row["class"] == "pneumonia" for row in rows])
    samples = Samples(
        images=np.stack(images),
        content=np.array(content, dtype=np.int64),
        targets=np.stack(targets),
        type_known=np.ones((len(rows), 1), bool),
        findings=truth[:, None].astype(np.uint8),
    )
    outlined = np.array([row["file"] in boxes for row in rows])
    groups = np.array([row["patient_id"] for row in rows])
    return LearningSet("nih", samples, truth, truth.astype(np.int64), outlined, groups, size)


def pneumoniamnist(data: Path, size: int) -> LearningSet:
    """Children's chest radiographs of 28 × 28 pixels, labelled as a whole; without patient ids, each image its own group."""
    with np.load(data / "pneumoniamnist_28" / "pneumoniamnist.npz") as stored:
        grey = np.concatenate([stored[f"{part}_images"] for part in ("train", "val", "test")])
        truth = np.concatenate([stored[f"{part}_labels"] for part in ("train", "val", "test")]).reshape(-1) == 1
    # All have one size: what `shrink_image` does to one, done to all at once.
    grown = functional.interpolate(
        torch.from_numpy(grey)[:, None].float(), size=(size, size), mode="bilinear", antialias=True
    )
    images = grown[:, 0].round().clamp(0, 255).numpy().astype(np.uint8)
    samples = Samples(
        images=images,
        content=np.full((len(images), 2), size, dtype=np.int64),
        targets=np.full(images.shape, UNKNOWN, dtype=np.uint8),
        type_known=np.ones((len(images), 0), bool),
        findings=truth[:, None].astype(np.uint8),
    )
    groups = np.array([str(row) for row in range(len(images))])
    nothing = np.zeros(len(images), bool)
    return LearningSet("pneumoniamnist", samples, truth, truth.astype(np.int64), nothing, groups, size)


SETS: Final[dict[str, Callable[[Path, int], LearningSet]]] = {"busi": busi, "nih": nih, "pneumoniamnist": pneumoniamnist}


def measured(known: LearningSet, rows: NDArray[np.int64], types: NDArray[Any], findings: NDArray[Any]) -> dict[str, Any]:
    """What was said of the test `rows`: Dice of each outlined image (in the grid, lesion at 0.5), score of each, type right.

    `types` [N, 1 + T, S, S] and `findings` [N, F] are shares.
    """
    targets = known.samples.targets[rows]
    lesion, valid = (1 - types[:, 0]) >= 0.5, targets != UNKNOWN
    said, true = lesion & valid, valid & (targets > 0)
    overlap = 2 * (said & true).sum(axis=(1, 2)) / np.maximum(said.sum(axis=(1, 2)) + true.sum(axis=(1, 2)), 1)
    told: dict[str, Any] = {
        "rows": rows.tolist(),
        "dice": [round(float(one), 5) if known.outlined[row] else None for one, row in zip(overlap, rows, strict=True)],
        "score": [round(float(one), 6) for one in findings[:, 0]],
    }
    if known.net.n_types > 1:
        # "Any", then one output per type: the type with the highest of those.
        guess = 1 + findings[:, 1:].argmax(axis=1)
        told["type_right"] = [
            bool(one == known.kinds[row]) if known.truth[row] else None for one, row in zip(guess, rows, strict=True)
        ]
    return told
