"""Profile basic: identities planted in every attribute of Table E.1-1 leave nothing in what is stored."""

from __future__ import annotations

import json
from datetime import datetime
from io import BytesIO

import numpy as np
import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table
from PIL import Image
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGBaseline8Bit

from backend.dicom.prepare import PreparationSettings
from tests.dicom.conftest import KEY, prepare_bytes

BASIC = PreparationSettings(key=KEY, deid_profile="basic")
PLANTED = ("PLANTED", "19610203", "112233.44", "1.3.6.1.4.1.9999", "987654", "061Y", "planted.invalid")
VALUES = {
    "DA": "19610203",
    "DT": "19610203112233.44",
    "TM": "112233.44",
    "UI": "1.3.6.1.4.1.9999.7",
    "AS": "061Y",
    "DS": "987654",
    "IS": "987654",
    "UR": "http://planted.invalid",
    "PN": "PLANTED^Name",
    "AE": "PLANTED",
    "CS": "PLANTED",
    "SH": "PLANTED",
    "OB": b"PLANTED!",
    "UN": b"PLANTED!",
}


def plant(dataset: Dataset, depth: int = 0) -> None:
    tags = {tag for name in dir(table) if name.endswith("_TAGS") for tag in getattr(table, name)}
    for tag in (tag for tag in tags if len(tag) == 2 and tag[0] >= 8):
        try:
            vr = dictionary_VR(tag)
        except KeyError:
            vr = "UN"
        if vr == "SQ":
            item = Dataset()
            if depth < 2:
                plant(item, depth + 2)
            dataset.add(DataElement(tag, "SQ", Sequence([item])))
        elif vr in VALUES:
            dataset.add(DataElement(tag, vr, VALUES[vr]))
        elif vr not in ("US", "FL", "FD", "OW", "SS", "UL"):
            dataset.add(DataElement(tag, vr, "PLANTED text"))
    block = dataset.private_block(0x0019, "PLANTED CREATOR", create=True)
    block.add_new(0x01, "LO", "PLANTED private")
    dataset.add(DataElement(0x60000022, "LO", "PLANTED overlay"))
    dataset.add(DataElement(0x60003000, "OW", b"PLANTED!"))
    dataset.add(DataElement(0x50003000, "OW", b"PLANTED!"))


@pytest.fixture
def planted_file(make_dicom, as_file) -> bytes:
    dataset = make_dicom(np.arange(16, dtype="<u2").reshape(4, 4))
    plant(dataset)
    shared = Dataset()
    plant(shared, 1)
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.preamble = b"PLANTED preamble".ljust(128, b"\0")
    dataset.file_meta.SourceApplicationEntityTitle = "PLANTED"
    return as_file(dataset)


@pytest.mark.slow
def test_no_planted_identity_is_left(planted_file: bytes):
    assert planted_file.count(b"PLANTED") > 500
    prepared, blob = prepare_bytes(planted_file, BASIC)
    stored = json.dumps([prepared.study, prepared.series, prepared.instance])
    assert [leak for leak in PLANTED if leak in stored] == []
    assert b"PLANTED" not in blob
    header = json.loads(prepared.instance["dicom_json"])
    assert not [tag for tag in header if int(tag[:4], 16) % 2]
    assert header["00120062"]["Value"] == ["YES"]
    assert [item["00080100"]["Value"][0] for item in header["00120064"]["Value"]] == ["113100", "113107"]


@pytest.mark.slow
def test_the_profile_none_keeps_what_is_there(planted_file: bytes):
    prepared, _ = prepare_bytes(planted_file, PreparationSettings(key=KEY))
    assert "PLANTED^Name" in prepared.instance["dicom_json"]


def test_uids_and_dates_change_alike_in_all_files_of_a_patient(make_dicom, as_file):
    first = make_dicom(np.zeros((4, 4), "u1"), StudyDate="20200101", StudyTime="101112", FrameOfReferenceUID="1.2.9")
    second = make_dicom(
        np.zeros((4, 4), "u1"), StudyDate="20200131", SOPInstanceUID="1.2.3.4.6", FrameOfReferenceUID="1.2.9"
    )
    one, other = (prepare_bytes(as_file(dataset), BASIC)[0] for dataset in (first, second))
    dates = [datetime.strptime(prepared.study["study_date"], "%Y%m%d") for prepared in (one, other)]
    assert (dates[1] - dates[0]).days == 30
    assert dates[0] < datetime(2020, 1, 1)
    assert one.study["study_instance_uid"] == other.study["study_instance_uid"] != "1.2.3.4"
    assert one.series["frame_of_reference_uid"] == other.series["frame_of_reference_uid"] != "1.2.9"
    assert one.instance["sop_instance_uid"] != other.instance["sop_instance_uid"]
    assert one.instance["sop_class_uid"] == "1.2.840.10008.5.1.4.1.1.2"
    assert one.study["patient_id"] == other.study["patient_id"] != "P1"
    assert one.patient_key == other.patient_key


def test_patients_are_told_apart_and_placeholders_are_nobody(make_dicom, as_file):
    keys = [
        prepare_bytes(as_file(make_dicom(np.zeros((4, 4), "u1"), PatientID=name)), BASIC)[0].patient_key
        for name in ("P1", "P2", "ANONYMOUS", "")
    ]
    assert keys[0] != keys[1]
    assert keys[2:] == ["", ""]


def test_comments_inside_a_kept_jpeg_go_too(make_dicom, as_file):
    out = BytesIO()
    Image.fromarray(np.zeros((8, 8), "u1")).save(out, "JPEG", comment=b"PLANTED comment")
    dataset = make_dicom(np.zeros((8, 8), "u1"), JPEGBaseline8Bit)
    dataset.PixelData = encapsulate([out.getvalue()])
    dataset["PixelData"].is_undefined_length = True
    sent = as_file(dataset)
    assert b"PLANTED" in sent
    prepared, blob = prepare_bytes(sent, BASIC)
    assert prepared.instance["transfer_syntax_uid"] == JPEGBaseline8Bit
    assert b"PLANTED" not in blob


@pytest.mark.parametrize("broken", ["backend.dicom.deidentify._settled", "pydicom.dataelem.DataElement.to_json_dict"])
def test_a_header_for_which_the_memory_does_not_suffice_loses_no_element_silently(make_dicom, as_file, monkeypatch, broken):
    def fails(*_arguments: object) -> None:
        raise MemoryError

    dataset = make_dicom(np.zeros((4, 4), "u1"), PatientName="Doe^Jane", PixelSpacing=[0.5, 0.5])
    dataset.add_new(0x00185100, "UC", "a value that is read as pydicom reads it")
    monkeypatch.setattr(broken, fails)
    with pytest.raises(MemoryError):
        prepare_bytes(as_file(dataset), BASIC)


def test_what_a_viewer_needs_stays(make_dicom, as_file):
    dataset = make_dicom(
        np.zeros((4, 4), "u1"),
        PixelSpacing=[0.5, 0.5],
        ImagePositionPatient=[1, 2, 3],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        RescaleSlope=2,
        RescaleIntercept=-5,
        WindowCenter=40,
        WindowWidth=400,
    )
    header = json.loads(prepare_bytes(as_file(dataset), BASIC)[0].instance["dicom_json"])
    wanted = ("00280030", "00200032", "00200037", "00281053", "00281052", "00281050", "00281051", "00280010", "00080016")
    assert [tag for tag in wanted if tag not in header] == []
