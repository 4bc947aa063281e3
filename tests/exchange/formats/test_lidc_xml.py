"""LIDC-IDRI's XML, session by session; verified on specification fixtures only."""

from __future__ import annotations

import numpy as np
import pytest

from backend.exchange.reading_import import attach_waiting
from backend.projects.models import Project
from backend.readings.models import Reader, Reading
from tests.rows import make_case

pytestmark = pytest.mark.django_db

RING = [(4, 2), (5, 2), (6, 3), (6, 4), (5, 5), (4, 5), (3, 4), (3, 3), (4, 2)]


def roi(uid: str, outline: list[tuple[int, int]], inclusion: str = "TRUE") -> str:
    edges = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in outline)
    return (
        f"<roi><imageZposition>-5.0</imageZposition><imageSOP_UID>{uid}</imageSOP_UID>"
        f"<inclusion>{inclusion}</inclusion>{edges}</roi>"
    )


def message(uids: list[str]) -> str:
    ratings = "<subtlety>5</subtlety><internalStructure>1</internalStructure><calcification>6</calcification>"
    ratings += "<sphericity>3</sphericity><margin>0</margin><malignancy>4</malignancy>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<LidcReadMessage uid="1.3" xmlns="http://www.nih.gov" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<ResponseHeader><SeriesInstanceUid>1.2.840.99</SeriesInstanceUid><StudyInstanceUID>1.2</StudyInstanceUID></ResponseHeader>
<readingSession><annotationVersion>3.12</annotationVersion><servicingRadiologistID>anonymous</servicingRadiologistID>
<unblindedReadNodule><noduleID>Nodule 001</noduleID><characteristics>{ratings}</characteristics>
{roi(uids[0], RING)}{roi(uids[1], RING)}{roi(uids[1], [(4, 3), (5, 3), (4, 3)], "FALSE")}</unblindedReadNodule>
<unblindedReadNodule><noduleID>Nodule 002</noduleID>{roi(uids[1], [(20, 30)])}</unblindedReadNodule>
<nonNodule><nonNoduleID>7</nonNoduleID><imageZposition>-5.0</imageZposition><imageSOP_UID>{uids[0]}</imageSOP_UID>
<locus><xCoord>40</xCoord><yCoord>50</yCoord></locus></nonNodule>
</readingSession>
<readingSession><annotationVersion>3.12</annotationVersion></readingSession>
</LidcReadMessage>"""


@pytest.fixture
def scan(project):
    Project.objects.filter(pk=project.pk).update(unit="series")
    project.refresh_from_db()
    return make_case(project, rows=64, columns=64, count=3)


def uids_of(case) -> list[str]:
    return [instance.sop_instance_uid for instance in case.series.instances.order_by("position")]


def test_each_session_is_a_reader_and_an_empty_one_saw_no_nodule(scan, bring, lesions, pixels):
    outcome = bring({"069.xml": message(uids_of(scan)[1:])})
    assert (outcome.formats, outcome.made, outcome.refused) == (["lidc_xml"], 2, [])
    nodule, small, other = lesions(scan, "LIDC 1")
    assert nodule.attributes == {
        "Subtlety": "5", "Internal structure": "Soft tissue", "Calcification": "Absent", "Sphericity": "3",
        "Malignancy": "4",
    }  # fmt: skip
    assert np.argwhere(pixels(nodule, 1)).tolist() == [[3, 4], [3, 5], [4, 4], [4, 5]]
    assert np.argwhere(pixels(nodule, 2)).tolist() == [[4, 4], [4, 5]]
    marks = {lesion.finding_type.name: lesion.points for lesion in (small, other)}
    assert marks == {"Nodule < 3 mm": [[20.5, 30.5]], "Non-nodule ≥ 3 mm": [[40.5, 50.5]]}
    assert Reading.objects.get(reader__name="LIDC 2").verdict == "no_lesion"


def test_outlines_are_included_where_that_is_said(scan, bring, lesions, pixels):
    bring({"069.xml": message(uids_of(scan)[1:])}, outline="included")
    nodule = lesions(scan, "LIDC 1")[0]
    assert np.argwhere(pixels(nodule, 1)).tolist() == [
        [2, 4], [2, 5], [3, 3], [3, 4], [3, 5], [3, 6], [4, 3], [4, 4], [4, 5], [4, 6], [5, 4], [5, 5],
    ]  # fmt: skip


def test_a_file_whose_scan_comes_later_is_kept_and_read_then(project, scan, bring):
    later = [f"{uid}.77" for uid in uids_of(scan)]
    assert bring({"069.xml": message(later[1:])}).waiting == 1
    for instance, uid in zip(scan.series.instances.order_by("position"), later, strict=True):
        instance.sop_instance_uid = uid
        instance.save()
    assert attach_waiting(project=project).made == 2
    assert set(Reader.objects.filter(project=project).values_list("name", flat=True)) == {"LIDC 1", "LIDC 2"}


def test_a_bad_file_among_good_ones_is_told(scan, bring):
    bad = message(uids_of(scan)[1:]).replace("<malignancy>4", "<malignancy>9")
    outcome = bring({"a.xml": bad, "b.xml": message(uids_of(scan)[1:]), "c.xml": "<LidcReadMessage>"})
    assert outcome.made == 2
    assert dict(outcome.refused)["a.xml"] == "its malignancy is 9, the scale ends at 5."
    assert "c.xml is no XML document" in dict(outcome.refused)["c.xml"]
