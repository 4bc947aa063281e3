"""Real ultrasound images with true labels, and the same images with each other's: what the gate says of either."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.learning.models import TrainingPolicy
from backend.learning.services import start_round
from backend.registry.models import ModelVersion
from backend.registry.selectors import serving_version

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
KINDS = {"normal": 0, "benign": 1, "malignant": 2}
SIZE = 64
EXTENT = (320, 256)
STEPS = 120
LABELS = 60
VALIDATION = 60


def ultrasound(folder: Path, count: int) -> list[tuple[np.ndarray, np.ndarray, int, str]]:
    """Grey image, lesion mask, kind and group of `count` images, as many of each kind, one of a group; all scaled to one
    size, so that the outline of one fits into another."""
    with (folder / "index.csv").open() as table:
        rows = {row["near_dup_group"]: row for row in csv.DictReader(table)}.values()
    of_kind = [[row for row in rows if row["class"] == kind][: count // len(KINDS)] for kind in KINDS]
    found = []
    for row in (row for together in zip(*of_kind, strict=True) for row in together):
        with Image.open(folder / "images" / row["file"]) as image, Image.open(folder / "masks" / row["file"]) as mask:
            grey, lesion = np.asarray(image.convert("L").resize(EXTENT)), np.asarray(mask.convert("1").resize(EXTENT))
        found.append((grey[None], lesion[None], KINDS[row["class"]], row["near_dup_group"]))
    return found


@pytest.fixture
def ultrasound_project(project: Any, draw_case: Callable[..., Any], read_truth: Callable[..., Any], real_data: Path) -> Any:
    """60 labelled POOL and 60 labelled VALIDATION cases, a third of them without lesion."""
    for index, (grey, lesion, kind, group) in enumerate(ultrasound(real_data / "busi", LABELS + VALIDATION)):
        case = draw_case(pixels=grey, group=group, split="POOL" if index < LABELS else "VALIDATION")
        case.lesion_mask, case.lesion_kind = lesion, kind
        read_truth(case)
    TrainingPolicy.objects.create(project=project, image_size=SIZE, steps_scratch=STEPS, steps_warm=10)
    return project


def test_of_real_images_the_first_version_serves_if_their_labels_were_their_own_and_waits_if_they_were_others(
    ultrasound_project: Any, lead: Any, work: Callable[..., Any], shuffle_labels: Callable[..., None]
) -> None:
    learned = work(start_round(project=ultrasound_project, by=lead)).model_version
    marks, scores = learned.gate["proof"]
    assert learned.state == "serves" and learned.gate["reasons"] == ["proven"], learned.gate["text"]
    assert marks["low"] > marks["chance"] and scores["low"] > scores["chance"]
    ModelVersion.objects.all().delete()
    shuffle_labels(ultrasound_project)
    refused = work(start_round(project=ultrasound_project, by=lead)).model_version
    assert refused.state == "waits" and refused.gate["reasons"], refused.gate["text"]
    assert set(refused.gate["reasons"]) <= {"marks_chance", "scores_chance"}
    assert serving_version(ultrasound_project) is None
