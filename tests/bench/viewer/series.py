"""CT series of any length, written from a real one: its slices forth and back, at positions of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

SPACING_MM = 2.0


def write_series(source: Path, folder: Path, name: str, count: int) -> str:
    """Write `count` slices, encoded as they were, below `folder`; returns the Study Instance UID.

    One patient for all series: near-duplicates of two patients would be put under embargo.
    """
    slices = sorted(
        (pydicom.dcmread(path) for path in source.glob("*.dcm")), key=lambda one: float(one.ImagePositionPatient[2])
    )
    target = folder / name
    target.mkdir(parents=True)
    study, series, frame_of_reference = (generate_uid(entropy_srcs=[name, level]) for level in ("study", "series", "frame"))
    for index, dataset in enumerate(_forth_and_back(slices, count)):
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID = frame_of_reference
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[name, str(index)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.InstanceNumber = index + 1
        x, y, _ = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, index * SPACING_MM]
        dataset.SliceLocation = index * SPACING_MM
        dataset.SeriesDescription = dataset.StudyDescription = name
        dataset.StudyID = dataset.AccessionNumber = name[:16]
        dataset.save_as(target / f"{index:04d}.dcm")
    return str(study)


def _forth_and_back(slices: list[pydicom.Dataset], count: int) -> Iterator[pydicom.Dataset]:
    path = slices + slices[-2:0:-1]
    return (path[index % len(path)] for index in range(count))
