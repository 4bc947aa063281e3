"""Reads whatever object marks other images: SEG, SR or RTSTRUCT. Runs in the decoding child, where a file can do no harm."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final

from backend.dicom.found import FindingSettings, FoundObject
from backend.dicom.read import read_dicom, sniffed_format
from backend.dicom.refusal import Refused
from backend.dicom.rtstruct import STRUCTURE_SET_CLASS, found_structure_set
from backend.dicom.seg import SEGMENTATION_CLASSES, found_segmentation
from backend.dicom.sr import REPORT_CLASSES, found_report

HEAD_BYTES: Final = 4096
"""How much of a file `object_modality` needs to see."""
KEPT: Final = b"OVERREAD-OBJECT\n"
"""How an object begins that was read before and waits for its images; no file from outside is taken for one."""
_UID_VALUE: Final = rb"(?:UI[\x00-\xff]{2}|[\x00-\xff]\x00\x00\x00)([0-9][0-9.]{4,63})"
_CLASS_ATTRIBUTE: Final = re.compile(rb"(?:\x02\x00\x02\x00|\x08\x00\x16\x00)" + _UID_VALUE, re.DOTALL)
_INSTANCE_ATTRIBUTE: Final = re.compile(rb"(?:\x02\x00\x03\x00|\x08\x00\x18\x00)" + _UID_VALUE, re.DOTALL)


def object_modality(head: bytes) -> str:
    """SEG, SR or RTSTRUCT by the SOP class in the first bytes of a DICOM file, empty for everything else; parses nothing."""
    if head[128:132] != b"DICM" and not head.startswith((b"\x02\x00", b"\x08\x00")):
        return ""
    found = _CLASS_ATTRIBUTE.search(head)
    return modality_of_class(found.group(1).decode().rstrip(".")) if found else ""


def object_uid(head: bytes) -> str:
    """The SOP Instance UID in the first bytes of a DICOM file, empty where it is not there."""
    found = _INSTANCE_ATTRIBUTE.search(head)
    return found.group(1).decode() if found else ""


def modality_of_class(sop_class: str) -> str:
    """SEG, SR or RTSTRUCT of a SOP class that can be read, else empty."""
    if sop_class in SEGMENTATION_CLASSES:
        return "SEG"
    if sop_class in REPORT_CLASSES:
        return "SR"
    return "RTSTRUCT" if sop_class == STRUCTURE_SET_CLASS else ""


def found_object(data: bytes, settings: FindingSettings) -> FoundObject:
    """What the object in these bytes says; Refused with the reason if it cannot be used."""
    if sniffed_format(data) != "dicom":
        raise Refused("Not a DICOM file.")
    dataset = read_dicom(BytesIO(data))
    if "PixelData" in dataset:
        dataset["PixelData"].value = dataset.PixelData.read()
    modality = modality_of_class(str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or ""))
    if modality == "SEG":
        return found_segmentation(dataset, settings)
    if modality == "SR":
        return found_report(dataset, settings)
    if modality == "RTSTRUCT":
        return found_structure_set(dataset, settings)
    raise Refused("No segmentation, report or structure set.")
