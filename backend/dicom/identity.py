"""What a received file calls itself: the UIDs as they came in, also of a file that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from pydicom.dataset import FileDataset

from backend.dicom.read import read_dicom

_LONGEST: Final = 64
_DIGITS: Final = frozenset("0123456789.")


@dataclass(frozen=True, slots=True)
class Identity:
    """UIDs of a file before de-identification; empty where the file has none, or what it has is no UID."""

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""


def identity_of(file: BinaryIO) -> Identity:
    """The UIDs of a DICOM file; raises whatever pydicom raises where it is none."""
    return identity_in(read_dicom(file))


def identity_in(dataset: FileDataset) -> Identity:
    """The UIDs of a data set that was read."""
    meta = dataset.file_meta

    def uid(keyword: str, otherwise: str = "") -> str:
        value = str(dataset.get(keyword) or meta.get(otherwise) or "").strip().rstrip("\0")
        return value if len(value) <= _LONGEST and set(value) <= _DIGITS else ""

    return Identity(
        uid("SOPClassUID", "MediaStorageSOPClassUID"),
        uid("SOPInstanceUID", "MediaStorageSOPInstanceUID"),
        uid("SeriesInstanceUID"),
        uid("StudyInstanceUID"),
    )
