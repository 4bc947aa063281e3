"""What is sent to a PACS: the SR and SEG of a submitted reading, and the same again when it is sent again."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest

from backend.dicom.found import FindingSettings
from backend.dicom.object_reading import found_object
from backend.dicom.refusal import Refused
from backend.exchange.derived_objects import derived_objects
from backend.geometry.rle import blob_key, encode_mask, mask_digest
from backend.projects.models import Case, FindingType
from backend.readings.models import Lesion, Reader, Reading

pytestmark = pytest.mark.django_db


@pytest.fixture
def reading(real_data, tmp_path, import_folder) -> Reading:
    """A mask over two slices of odd images and a box, by a person, after de-identification."""
    from django.utils import timezone

    from backend.archive.store import put_object

    given = tmp_path / "given"
    shutil.copytree(real_data / "dicom_objects/dcmqi/segmentations/23x38x3/image", given)
    import_folder(given, "--unit", "series", "--modality", "CT", "--deid", "basic")
    case = Case.objects.get()
    kind = FindingType.objects.create(project=case.project, name="Nodule", colour="#ffffff")
    reader = Reader.objects.create(project=case.project, kind="imported", name="Ärztin Nr. 2")
    made = Reading.objects.create(
        case=case, reader=reader, state="submitted", verdict="lesions", revision=3, submitted_at=timezone.now()
    )
    mask = np.ones((2, 3, 5), bool)
    mask[0, 1, 1] = False
    put_object(key=blob_key(mask_digest(encode_mask(mask))), data=encode_mask(mask))
    first, *_ = case.series.instances.order_by("position")
    Lesion.objects.create(
        reading=made, finding_type=kind, kind="mask", instance=first, mask_origin=[1, 35, 18],
        mask_shape=list(mask.shape), mask_digest=mask_digest(encode_mask(mask)),
    )  # fmt: skip
    Lesion.objects.create(reading=made, finding_type=kind, kind="box", instance=first, points=[[1, 2], [5.5, 6]])
    return made


def files(reading: Reading, **options: bool) -> list[bytes]:
    found = []
    for dataset in derived_objects(reading, **options):
        stream = io.BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        found.append(stream.getvalue())
    return found


def test_a_submitted_reading_is_a_segmentation_and_a_report_of_the_stored_images(reading):
    seg, report, structures = derived_objects(reading, structure_set=True)
    assert [one.Modality for one in (seg, report, structures)] == ["SEG", "SR", "RTSTRUCT"]
    series = reading.case.series
    stored = {instance.sop_instance_uid for instance in series.instances.all()}
    for dataset in (seg, report, structures):
        assert dataset.StudyInstanceUID == series.study.study_instance_uid
        assert dataset.PatientID == series.study.patient_id and dataset.PatientIdentityRemoved == "YES"
    settings = FindingSettings(key="00" * 32)
    seg_file, report_file, structures_file = files(reading, structure_set=True)
    found = found_object(seg_file, settings)
    assert set(found.images) <= stored and [sum(int(m.pixels.sum()) for m in one.masks) for one in found.marks] == [29, 16]
    told = found_object(report_file, settings)
    assert told.reader == "Ärztin Nr. 2"
    assert [mark.segment for mark in told.marks] == [None, (seg.SOPInstanceUID, 1)]  # what is drawn comes first
    assert files(reading, structure_set=True) == [seg_file, report_file, structures_file]  # sent again, the same
    reading.state = "draft"
    with pytest.raises(Refused, match="Only a submitted reading"):
        derived_objects(reading)
