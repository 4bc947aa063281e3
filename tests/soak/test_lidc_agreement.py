"""The LIDC-IDRI's 6,859 marks, stored as readings, agree with each other as their table says they do."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.exchange.reading_import import ReadingOptions, import_foreign_readings
from backend.exchange.sources import sources_in
from backend.projects.case_services import add_cases
from backend.projects.models import Project
from backend.readings.models import Lesion, Reader
from tests.archive.conftest import child  # noqa: F401
from tests.exchange.lidc_series import bring_slices, database, key_of, known_marks, pair_dice, scans, stored_masks

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(7200)]

SAMPLE = 2
FEW_SLICES = 120
TOLD_OTHERWISE = 3
"""Marks of which the table says something else: of two it counts one voxel more (its centre lies on the edge that closes an
open outline), and the box of one holds a slice of which an exclusion leaves nothing."""


def test_marks_are_stored_and_agree_as_the_table_says(
    project: Project,
    child: Any,
    real_data: Path,
    tmp_path: Path,
    long_run: bool,
) -> None:
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    path = database(real_data, tmp_path)
    chosen = list(scans(path))
    if not long_run:
        chosen = random.Random(20261129).sample([scan for scan in chosen if len(scan["z"]) < FEW_SLICES], SAMPLE)
    add_cases(project=project, candidates=[bring_slices(project, child, tmp_path, scan) for scan in chosen])
    options = {"outline": "included"} if long_run else {"outline": "included", "series": chosen[0]["series"]}
    outcome = import_foreign_readings(
        project=project, sources=sources_in(path), chosen=ReadingOptions(options=options), by=None
    )
    assert outcome.refused == [] and outcome.waiting == 0
    if not long_run:
        chosen = chosen[:1]
    off, nodules = _nodules(project, chosen, known_marks(real_data, *(scan["series"] for scan in chosen)))
    assert off <= TOLD_OTHERWISE
    assert set(Reader.objects.filter(project=project).values_list("name", flat=True)) <= {f"LIDC {n}" for n in (1, 2, 3, 4)}
    dice = [value for masks in nodules.values() for value in pair_dice(masks)]
    assert len(dice) == sum(len(masks) * (len(masks) - 1) // 2 for masks in nodules.values())
    if not long_run:
        return
    due = json.loads((real_data / "lidc/agreement.json").read_text())
    assert Lesion.objects.filter(reading__case__project=project).count() == due["annotations"] == 6859
    assert (len(chosen), len(nodules), len(dice)) == (due["annotated_scans"], due["clusters"], due["pairs"])
    found = [float(np.mean(dice)), float(np.median(dice)), *np.percentile(dice, (10, 25, 75, 90)).tolist()]
    print("Dice mean, median, p10, p25, p75, p90:", found)
    assert found == pytest.approx([due["dice_mean"], due["dice_median"], *due["dice_p10_p25_p75_p90"]], abs=1e-6)


def _nodules(project: Project, chosen: list[dict[str, Any]], rows: list[dict[str, str]]) -> tuple[int, dict[str, list[Any]]]:
    """The stored masks of each nodule of the table, and how many marks are not quite what it says."""
    off, nodules = 0, defaultdict(list)
    by_scan = defaultdict(list)
    for row in rows:
        by_scan[row["series_uid"]].append(row)
    for scan in chosen:
        stored = stored_masks(project, scan)
        for row in by_scan[scan["series"]]:
            key = key_of(row)
            if not stored.get(key):
                off, key = off + 1, next(near for near, masks in stored.items() if masks and _is_nearly(near, key))
            nodules[row["nodule_cluster"]].append(stored[key].pop())
        assert not any(stored.values())
    return off, nodules


def _is_nearly(stored: tuple[float, ...], told: tuple[float, ...]) -> bool:
    """Whether a stored mask lies within the table's box and has its voxels but for one."""
    left, top, right, bottom, low, high, voxels = stored
    within = left >= told[0] and top >= told[1] and right <= told[2] and bottom <= told[3]
    return within and low >= told[4] and high <= told[5] and 0 <= told[6] - voxels <= 1
