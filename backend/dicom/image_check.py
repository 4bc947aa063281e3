"""Is this data set an image that can be read, and how big: asked of the header before a single pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from backend.dicom.refusal import Refused

MAX_DECODED_BYTES: Final = 1024 * 1024 * 1024

# Objects that may carry pixels but are no images to read, and the common ones that carry none (PS3.4 B.5).
_NO_IMAGE_MODALITIES: Final = {
    "SR": "a structured report (SR)",
    "SEG": "a segmentation (SEG), which marks other images",
    "RTSTRUCT": "radiotherapy structures (RTSTRUCT), which mark other images",
    "RTPLAN": "a radiotherapy plan (RTPLAN)",
    "RTDOSE": "a radiotherapy dose grid (RTDOSE)",
    "RTRECORD": "a radiotherapy treatment record",
    "ECG": "an electrocardiogram (ECG waveform)",
    "HD": "a haemodynamic waveform",
    "AU": "a sound recording",
    "PR": "a presentation state",
    "KO": "a key object selection",
    "REG": "a spatial registration",
    "FID": "spatial fiducials",
    "RWV": "a real world value mapping",
    "DOC": "an encapsulated document",
    "PLAN": "a plan",
    "ANN": "a set of microscopy annotations",
    "M3D": "a 3D model",
}
_NO_IMAGE_CLASSES: Final = {
    "1.2.840.10008.1.3.10": "a directory of a DICOM medium (DICOMDIR)",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.66": "raw data",
    "1.2.840.10008.5.1.4.1.1.66.4": _NO_IMAGE_MODALITIES["SEG"],
    "1.2.840.10008.5.1.4.1.1.66.7": _NO_IMAGE_MODALITIES["SEG"],
    "1.2.840.10008.5.1.4.1.1.481.2": _NO_IMAGE_MODALITIES["RTDOSE"],
    "1.2.840.10008.5.1.4.1.1.481.3": _NO_IMAGE_MODALITIES["RTSTRUCT"],
}
_PHOTOMETRICS: Final = {
    1: frozenset({"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}),
    3: frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT"}),
}


@dataclass(frozen=True)
class PixelModule:
    """The Image Pixel module (PS3.3 C.7.6.3) as numbers."""

    rows: int
    columns: int
    samples_per_pixel: int
    number_of_frames: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int
    photometric_interpretation: str

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return -(-self.rows * self.columns * self.samples_per_pixel * self.bits_allocated // 8)

    @property
    def shown_frame_bytes(self) -> int:
        """Bytes of one frame that browsers show: a palette is applied, and a bit takes a byte."""
        samples = 3 if self.photometric_interpretation == "PALETTE COLOR" else self.samples_per_pixel
        return self.rows * self.columns * samples * -(-self.bits_allocated // 8)


def checked_pixel_module(dataset: Dataset) -> PixelModule:
    """The pixel module of an image; Refused if it is no image, incomplete, absurd or too big to decode."""
    _refuse_what_is_no_image(dataset)
    photometric = str(dataset.get("PhotometricInterpretation") or "").strip().upper()
    if not photometric:
        raise Refused("Damaged: the header lacks Photometric Interpretation.")
    module = PixelModule(
        rows=_number(dataset, "Rows", 1, 65535),
        columns=_number(dataset, "Columns", 1, 65535),
        samples_per_pixel=_number(dataset, "SamplesPerPixel", 1, 4),
        number_of_frames=_number(dataset, "NumberOfFrames", 1, 1_000_000, default=1),
        bits_allocated=_number(dataset, "BitsAllocated", 1, 64),
        bits_stored=_number(dataset, "BitsStored", 1, 64, default=_number(dataset, "BitsAllocated", 1, 64)),
        pixel_representation=_number(dataset, "PixelRepresentation", 0, 1),
        photometric_interpretation=photometric,
    )
    if photometric not in _PHOTOMETRICS.get(module.samples_per_pixel, ()):
        known = photometric if any(photometric in names for names in _PHOTOMETRICS.values()) else "an unknown kind of colour"
        raise Refused(f"Pixels of {module.samples_per_pixel} samples as {known} cannot be shown.")
    if module.bits_stored > module.bits_allocated:
        raise Refused("Damaged: Bits Stored is greater than Bits Allocated.")
    if module.samples_per_pixel == 1 and module.bits_allocated > 16:
        raise Refused(f"Its pixels have {module.bits_allocated} bits; up to 16 can be shown.")
    total = module.frame_bytes * module.number_of_frames
    if total > MAX_DECODED_BYTES:
        raise Refused(
            f"Too big: {module.rows}×{module.columns}×{module.number_of_frames} pixels are {total >> 20} MB unpacked, "
            f"the limit is {MAX_DECODED_BYTES >> 20} MB."
        )
    return module


def _refuse_what_is_no_image(dataset: Dataset) -> None:
    sop_class = str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")
    modality = str(dataset.get("Modality") or "").strip().upper()
    if sop_class in _NO_IMAGE_CLASSES:
        raise Refused(f"Not an image: {_NO_IMAGE_CLASSES[sop_class]}.")
    if modality in _NO_IMAGE_MODALITIES:
        raise Refused(f"Not an image: {_NO_IMAGE_MODALITIES[modality]}.")
    if "DirectoryRecordSequence" in dataset:
        raise Refused(f"Not an image: {_NO_IMAGE_CLASSES['1.2.840.10008.1.3.10']}.")
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise Refused("Its pixels are floating point numbers, which cannot be shown.")
    if "PixelData" not in dataset or not dataset["PixelData"].value:
        name = UID(sop_class).name if sop_class.startswith("1.2.840.10008.") else ""
        what = f" ({name})" if name and name != sop_class else ""
        if "Rows" in dataset or "Image Storage" in name:
            raise Refused(f"Damaged: the file ends before its pixels{what}.")
        raise Refused(f"Not an image: the file holds no pixels{what}.")


def _number(dataset: Dataset, keyword: str, low: int, high: int, default: int | None = None) -> int:
    value = dataset.get(keyword)
    if (value is None or value == "") and default is not None:
        return default
    if value is None or value == "":
        raise Refused(f"Damaged: the header lacks {keyword}.")
    try:
        number = int(value)
    except (TypeError, ValueError) as error:
        raise Refused(f"Damaged: {keyword} is not a number.") from error
    if not low <= number <= high:
        raise Refused(f"Damaged: {keyword} is {number}, which cannot be.")
    return number
