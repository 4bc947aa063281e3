"""RSNA Pneumonia tables; verified on specification fixtures only."""

from __future__ import annotations

import pytest

from backend.readings.models import Reading

pytestmark = pytest.mark.django_db

BOXES = """patientId,x,y,width,height,Target
0004cfab,,,,,0
00436515,10.0,20.0,30.0,40.0,1
00436515,60.5,20.0,12.0,25.0,1
00569f44,,,,,1
later,1.0,2.0,3.0,4.0,1
"""
CLASSES = "patientId,class\n0004cfab,No Lung Opacity / Not Normal\n00436515,Lung Opacity\n"


def test_boxes_and_no_opacity_become_readings_of_the_named_images(bring, named_case, lesions):
    empty, marked, broken = (named_case(f"stage_2/{name}.dcm") for name in ("0004cfab", "00436515", "00569f44"))
    outcome = bring({"labels.csv": BOXES, "class_info.csv": CLASSES}, reader="RSNA")
    assert (outcome.formats, outcome.made, outcome.waiting) == (["rsna_pneumonia"], 2, 1)
    assert outcome.refused == [("labels.csv: 00569f44", "x is '', no number.")]
    first, second = lesions(marked, "RSNA")
    assert sorted([first.points, second.points]) == [[[10.0, 20.0], [40.0, 60.0]], [[60.5, 20.0], [72.5, 45.0]]]
    assert (first.kind, first.finding_type.name) == ("box", "Lung opacity")
    reading = Reading.objects.get(case=empty)
    assert (reading.verdict, reading.label_kind) == ("no_lesion", "full")
    assert sorted(reading.image_findings.values()) == ["absent", "absent", "present"]
    assert not Reading.objects.filter(case=broken).exists()
