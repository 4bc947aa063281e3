"""Procedurally generated DICOM images with exact ground truth: radiographs and a CT-like series, SYNTHETIC in the pixels.

Everything follows from a seed: the same arguments give the same bytes on every machine of the same library versions.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian

from backend.dicom.phantom_chest import BITS, PIXEL_CM, chest
from backend.dicom.phantom_thorax import PIXEL_MM, SIDE, SPACING_MM, slice_position, thorax
from backend.dicom.uids import keyed_uid

_KEY: Final = "0f" * 32
_NODULE: Final = "Nodule"


@dataclass(frozen=True)
class Radiograph:
    """A DX image, its file name, and its lesions as pairs of kind ("Nodule", "Mass") and mask (rows, columns)."""

    name: str
    dataset: Dataset
    lesions: list[tuple[str, NDArray[np.bool_]]]


@dataclass(frozen=True)
class CtSeries:
    """CT slices from feet to head, their file names, and masks (slices, rows, columns) in that order."""

    names: list[str]
    datasets: list[Dataset]
    lesions: list[tuple[str, NDArray[np.bool_]]]


def radiograph(number: int, seed: int = 1) -> Radiograph:
    """The chest radiograph of phantom person `number` (from 1 on)."""
    made = chest(seed, number)
    dataset = _start(DigitalXRayImageStorageForPresentation, f"radiograph {seed} {number}")
    _person(dataset, f"PHANTOM-{seed}-{number:04d}", f"Phantom^{number:04d}", made.sex, made.age)
    dataset.Modality = "DX"
    dataset.StudyDescription = "SYNTHETIC chest radiograph"
    dataset.SeriesDescription = "Chest PA (SYNTHETIC)"
    dataset.ImageType = ["DERIVED", "PRIMARY", ""]
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.BodyPartExamined = "CHEST"
    dataset.ProtocolName = "Chest PA"
    dataset.ViewPosition = "PA"
    dataset.ImageLaterality = "U"
    dataset.PatientOrientation = ["L", "F"]
    dataset.PixelSpacing = dataset.ImagerPixelSpacing = [PIXEL_CM * 10, PIXEL_CM * 10]
    dataset.KVP = "120"
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    dataset.WindowCenter, dataset.WindowWidth = str(2 ** (BITS - 1)), str(2**BITS)
    _pixels(dataset, made.pixels, bits_stored=BITS)
    return Radiograph(f"phantom-{number:04d}.dcm", dataset, [(lesion.kind, lesion.mask) for lesion in made.lesions])


def ct_series(seed: int = 1) -> CtSeries:
    """The CT-like series of a seed."""
    made = thorax(seed)
    datasets = [_slice(seed, index, voxels) for index, voxels in enumerate(made.voxels)]
    names = [f"phantom-ct-{index + 1:03d}.dcm" for index in range(len(datasets))]
    return CtSeries(names, datasets, [(_NODULE, mask) for mask in made.nodules])


def _slice(seed: int, index: int, voxels: NDArray[np.int16]) -> Dataset:
    dataset = _start(CTImageStorage, f"ct {seed}", f"slice {index}")
    _person(dataset, f"PHANTOM-CT-{seed}", "Phantom^CT", "O", 60)
    dataset.Modality = "CT"
    dataset.StudyDescription = "SYNTHETIC chest CT"
    dataset.SeriesDescription = "Thorax 5 mm (SYNTHETIC)"
    dataset.ImageType = ["DERIVED", "PRIMARY", "AXIAL"]
    dataset.BodyPartExamined = "CHEST"
    dataset.ProtocolName = "Thorax"
    dataset.PatientPosition = "HFS"
    dataset.KVP = "120"
    dataset.InstanceNumber = index + 1
    dataset.FrameOfReferenceUID = keyed_uid(_KEY, "phantom frame of reference", str(seed))
    dataset.PositionReferenceIndicator = ""
    corner = -SIDE / 2 * PIXEL_MM + PIXEL_MM / 2
    dataset.ImagePositionPatient = [round(corner, 3), round(corner, 3), slice_position(index)]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [PIXEL_MM, PIXEL_MM]
    dataset.SliceThickness = SPACING_MM
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1024", "1", "HU"
    dataset.WindowCenter, dataset.WindowWidth = ["-500", "40"], ["1500", "400"]
    dataset.WindowCenterWidthExplanation = ["LUNG", "SOFT TISSUE"]
    _pixels(dataset, (voxels.astype(np.int32) + 1024).astype(np.uint16), bits_stored=12)
    return dataset


def _start(sop_class: str, series: str, instance: str = "") -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
    uid = keyed_uid(_KEY, "phantom instance", f"{series} {instance}")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = uid
    dataset.StudyInstanceUID = keyed_uid(_KEY, "phantom study", series)
    dataset.SeriesInstanceUID = keyed_uid(_KEY, "phantom series", series)
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = "20260101"
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = "120000"
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.Manufacturer = "Overread"
    dataset.ManufacturerModelName = "Phantom generator"
    dataset.ImageComments = "SYNTHETIC: computed, no person was examined"
    dataset.BurnedInAnnotation = "YES"
    dataset.SeriesNumber = dataset.InstanceNumber = 1
    return dataset


def _person(dataset: Dataset, identifier: str, name: str, sex: str, age: int) -> None:
    dataset.PatientID, dataset.PatientName, dataset.PatientSex = identifier, name, sex
    dataset.PatientBirthDate = ""
    dataset.PatientAge = f"{age:03d}Y"
    dataset.StudyID = identifier[-16:]


def _pixels(dataset: Dataset, pixels: NDArray[np.uint16], *, bits_stored: int) -> None:
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits_stored, bits_stored - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"


def file_bytes(dataset: Dataset) -> bytes:
    """The dataset as a DICOM file."""
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def radiograph_file(number: int, seed: int = 1) -> tuple[str, bytes, list[tuple[str, NDArray[np.bool_]]]]:
    """Name, bytes and lesions of a radiograph: plain values, for a process pool."""
    made = radiograph(number, seed)
    return made.name, file_bytes(made.dataset), made.lesions
