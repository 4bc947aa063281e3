"""VinDr-CXR tables of three radiologists an image; verified on specification fixtures only."""

from __future__ import annotations

import pytest

from backend.readings.models import Reader, Reading

pytestmark = pytest.mark.django_db

BOXES = """image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max
50a418190,No finding,14,R11,,,,
50a418190,No finding,14,R15,,,,
50a418190,Cardiomegaly,3,R10,10,20,70,60
9a5094b2,Nodule/Mass,8,R9,10,20,12,24
9a5094b2,No finding,14,R9,,,,
"""
LABELS = "image_id,rad_id,Cardiomegaly,Pneumonia,Tuberculosis,No finding\n50a418190,R10,1,1,0,0\n"


def test_each_radiologist_is_a_reader_and_no_finding_says_no_lesion(project, bring, named_case, lesions):
    case = named_case("50a418190.dicom")
    named_case("9a5094b2.dicom")
    outcome = bring({"train.csv": BOXES, "image_labels_train.csv": LABELS})
    assert (outcome.formats, outcome.made) == (["vindr_cxr"], 3)
    assert outcome.refused == [
        ("train.csv: 9a5094b2 of VinDr R9", "One row says that there is no finding, another marks one.")
    ]
    assert sorted(Reader.objects.filter(project=project).values_list("name", flat=True)) == [
        "VinDr R10", "VinDr R11", "VinDr R15",
    ]  # fmt: skip
    (lesion,) = lesions(case, "VinDr R10")
    assert (lesion.finding_type.name, lesion.points) == ("Cardiomegaly", [[10.0, 20.0], [70.0, 60.0]])
    names = {str(one.pk): one.name for one in project.finding_types.filter(scope="image")}
    found = {names[key]: value for key, value in lesion.reading.image_findings.items()}
    assert found == {"Pneumonia": "present", "Tuberculosis": "absent"}
    assert Reading.objects.get(reader__name="VinDr R11").verdict == "no_lesion"


def test_a_table_without_radiologists_is_the_consensus(bring, named_case, lesions):
    case = named_case("0a1b.dicom")
    outcome = bring({"test.csv": "image_id,class_name,x_min,y_min,x_max,y_max\n0a1b,Other lesion,1,2,30,40\n"})
    assert outcome.made == 1
    assert len(lesions(case, "VinDr consensus")) == 1
