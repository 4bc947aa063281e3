"""LUNA16's table of spheres; verified on specification fixtures only."""

from __future__ import annotations

import numpy as np
import pytest

from backend.archive.models import Series
from backend.exchange.models import PendingReading
from backend.projects.models import Project
from tests.rows import make_case

pytestmark = pytest.mark.django_db

TABLE = """seriesuid,coordX,coordY,coordZ,diameter_mm
{series},-80.0,-90.0,-30.0,10.0
{series},-79.9,-60.2,-40.1,0.5
1.2.3.999,0,0,0,5
"""


@pytest.fixture
def series(project):
    """A case of 20 slices, 2.5 mm apart, of 100 × 120 pixels of 0.5 × 0.8 mm."""
    Project.objects.filter(pk=project.pk).update(unit="series")
    project.refresh_from_db()
    case = make_case(project, rows=100, columns=120, count=20)
    affine = [[0, 0, 0.8, -100.0], [0, 0.5, 0, -100.0], [2.5, 0, 0, -50.0], [0, 0, 0, 1]]
    Series.objects.filter(pk=case.series_id).update(affine=affine)
    return case


def test_a_nodule_is_the_voxels_whose_centres_lie_in_its_sphere(series, bring, lesions, pixels):
    uid = series.series.series_instance_uid
    outcome = bring({"annotations.csv": TABLE.format(series=uid)})
    assert (outcome.formats, outcome.made, outcome.waiting, outcome.refused) == (["luna16"], 1, 1, [])
    assert PendingReading.objects.get().options == {"row": "3"}
    large, small = sorted(lesions(series, "LUNA16"), key=lambda lesion: lesion.mask_shape, reverse=True)
    marked = {(frame, row, column) for frame in range(20) for row, column in np.argwhere(pixels(large, frame)).tolist()}
    due = {
        (frame, row, column)
        for frame in range(20)
        for row in range(100)
        for column in range(120)
        if (0.8 * column - 20) ** 2 + (0.5 * row - 10) ** 2 + (2.5 * frame - 20) ** 2 <= 25
    }
    assert marked == due
    assert large.attributes == {"Diameter (mm)": "10"}
    assert (small.mask_shape, small.mask_origin) == ([1, 1, 1], [4, 80, 25])


def test_a_nodule_outside_its_series_is_told(series, bring):
    uid = series.series.series_instance_uid
    outcome = bring({"annotations.csv": f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{uid},500,0,0,5\n"})
    assert outcome.refused == [(f"annotations.csv: {uid}", "A nodule at (500, 0, 0) mm lies outside the series.")]


def test_candidates_are_points_where_they_are_asked_for(series, bring, lesions):
    uid = series.series.series_instance_uid
    files = {
        "annotations.csv": f"seriesuid,coordX,coordY,coordZ,diameter_mm\n{uid},-80,-90,-30,5\n",
        "candidates.csv": f"seriesuid,coordX,coordY,coordZ,class\n{uid},-80,-90,-30,1\n{uid},-76,-80,-30,0\n",
    }
    assert bring(files, candidates="included").made == 2
    first, second = lesions(series, "LUNA16 candidates")
    assert (first.finding_type.name, first.points, first.instance_id) == (
        "Nodule candidate", [[25.5, 20.5]], second.instance_id,
    )  # fmt: skip
    assert second.points == [[30.5, 40.5]]
