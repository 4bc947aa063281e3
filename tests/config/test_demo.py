"""The demonstration projects: made through the real import, made once, with the phantom's own truth."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.core.management import call_command

from backend.archive.store import get_object
from backend.config import demonstration
from backend.dicom.phantom import radiograph
from backend.geometry.rasterise import paste_mask
from backend.geometry.rle import blob_key, decode_mask
from backend.projects.models import Case, FindingType, Membership, Project, Split
from backend.readings.models import Lesion, Reading

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_the_demonstration_is_made_once_and_its_truth_is_exact(make_person, monkeypatch):
    admin = make_person("admin", is_superuser=True)
    monkeypatch.setattr(demonstration, "RADIOGRAPHS", 6)
    said = io.StringIO()
    call_command("demo", stdout=said)
    call_command("demo", stdout=said)
    assert "The synthetic radiographs are here." in said.getvalue()

    chest, ct = Project.objects.get(slug="phantom-chest"), Project.objects.get(slug="phantom-ct")
    assert chest.synthetic and ct.synthetic and "SYNTHETIC" in chest.name
    assert {role for _, role in Membership.objects.filter(user=admin).values_list("project", "role")} == {"lead"}
    assert Case.objects.filter(project=chest).count() == 6
    assert all(code for code in FindingType.objects.values_list("code_value", flat=True))

    case = Case.objects.get(project=ct)
    assert case.is_open and case.series.affine is not None and case.series.instances.count() == 40
    assert Lesion.objects.filter(reading__case=case).count() == 5

    measured = Case.objects.filter(project=chest, split=Split.VALIDATION)
    assert all(case.readings.filter(reader__name="Phantom truth", state="submitted").exists() for case in measured)
    assert not any(case.is_open for case in measured)

    readings = Reading.objects.filter(case__project=chest, reader__name="Phantom truth", state="submitted")
    assert readings.count() >= 1
    for reading in readings.select_related("case"):
        number = int(reading.case.source_name.removesuffix(".dcm").rpartition("-")[2])
        expected = {(kind, mask.tobytes()) for kind, mask in radiograph(number).lesions}
        found = set()
        for lesion in reading.lesions.select_related("finding_type"):
            cropped = decode_mask(get_object(blob_key(lesion.mask_digest)), lesion.mask_shape)
            mask = paste_mask(mask=cropped, origin=lesion.mask_origin, frame=0, rows=512, columns=512)
            found.add((lesion.finding_type.name, np.ascontiguousarray(mask).tobytes()))
        assert found == expected
        assert reading.verdict == ("lesions" if expected else "no_lesion")
