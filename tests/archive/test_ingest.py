"""Files into the archive: once, never over another, and with nothing half done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.conf import settings

from backend.archive.ingest import ingest_file
from backend.archive.models import Archive, Instance, Series, Study
from backend.archive.services import order_series
from backend.archive.store import get_object
from backend.dicom.refusal import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def archive() -> Archive:
    return Archive.objects.create(slug="own", name="Own")


@pytest.fixture
def ingest(archive, child, tmp_path, as_file):
    """Ingests a data set or a path."""

    def run(given, into: Archive = archive, **extra):
        path = given
        if not isinstance(given, Path):
            path = tmp_path / "file.dcm"
            path.write_bytes(as_file(given))
        return ingest_file(archive=into, child=child, path=path, modality="US", **extra)

    return run


def test_a_picture_becomes_study_series_and_instance(ingest, picture):
    ingested = ingest(picture())
    assert ingested.is_new
    instance = Instance.objects.select_related("series__study").get()
    assert (instance.rows, instance.columns, instance.series.modality) == (40, 48, "US")
    assert instance.series.study.patient_key == ""
    assert instance.frames_key.startswith(f"frames/{instance.series.study.archive_id}/")
    assert len(get_object(instance.frames_key)) == instance.frame_ranges[0][1]


def test_the_same_bytes_are_found_again_without_decoding(ingest, picture):
    first = ingest(picture())
    again = ingest(picture())
    assert not again.is_new
    assert again.instance == first.instance
    assert Instance.objects.count() == 1


def test_the_same_uid_with_other_bytes_is_a_conflict_and_overwrites_nothing(ingest, make_dicom):
    first = ingest(make_dicom(np.arange(16, dtype="u1").reshape(4, 4))).instance
    stored = get_object(first.frames_key)
    with pytest.raises(Refused, match="same SOP Instance UID"):
        ingest(make_dicom(np.arange(16, dtype="u1").reshape(4, 4) + 1))
    assert Instance.objects.count() == 1
    assert get_object(first.frames_key) == stored
    folder = Path(settings.DATA_DIR) / "objects" / "frames" / str(first.series.study.archive_id)
    assert len(list(folder.iterdir())) == 1


def test_a_study_of_two_patients_is_refused(ingest, make_dicom):
    ingest(make_dicom(np.zeros((4, 4), "u1")))
    with pytest.raises(Refused, match="another patient"):
        ingest(make_dicom(np.ones((4, 4), "u1"), SOPInstanceUID="1.2.3.4.6", PatientID="P2"))
    assert Series.objects.count() == 1


def test_archives_do_not_know_each_other(ingest, picture):
    other = Archive.objects.create(slug="other", name="Other")
    assert ingest(picture()).is_new
    assert ingest(picture(), into=other).is_new
    one, two = Instance.objects.values_list("received_digest", flat=True)
    assert one != two


def test_basic_deidentification_leaves_no_name_in_any_row(ingest, make_dicom):
    private = Archive.objects.create(slug="private", name="Private", deid_profile="basic")
    instance = ingest(make_dicom(np.zeros((4, 4), "u1"), AccessionNumber="A-77"), into=private).instance
    study = Study.objects.get(archive=private)
    assert study.patient_key and study.patient_id.startswith("P") and study.patient_id != "P1"
    assert "Doe" not in instance.dicom_json and "A-77" not in instance.dicom_json
    assert study.accession_number == ""


def test_an_empty_file_is_refused(ingest, tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(Refused, match="empty"):
        ingest(tmp_path / "empty")


def test_slices_get_their_place_and_the_series_its_grid(ingest, make_dicom):
    for number, z in enumerate((4.0, 0.0, 2.0)):
        ingest(
            make_dicom(
                np.full((4, 4), number, "u1"),
                SOPInstanceUID=f"1.2.3.4.{number}",
                InstanceNumber=number,
                PixelSpacing=[0.5, 0.5],
                ImagePositionPatient=[0, 0, z],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            )
        )
    series = Series.objects.get()
    order_series(series=series)
    assert list(series.instances.order_by("position").values_list("instance_number", flat=True)) == [1, 2, 0]
    expected = [[0.0, 0.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
    assert Series.objects.get().affine == expected


def test_slices_of_two_directions_are_ordered_by_their_number(ingest, make_dicom):
    for number, direction in enumerate(([1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1])):
        ingest(
            make_dicom(
                np.full((4, 4), number, "u1"),
                SOPInstanceUID=f"1.2.3.4.{number}",
                PixelSpacing=[1, 1],
                ImagePositionPatient=[0, 0, number],
                ImageOrientationPatient=direction,
            )
        )
    series = Series.objects.get()
    order_series(series=series)
    assert series.affine is None
    assert set(series.instances.values_list("position", flat=True)) == {None}
