"""Makes DICOM files of given pixels."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from backend.dicom.prepare import PreparationSettings, PreparedInstance, prepared_instance

KEY = "5a" * 32


def prepare_bytes(data: bytes, settings: PreparationSettings) -> tuple[PreparedInstance, bytes]:
    """What is stored of a file: its rows, and its frames blob."""
    blob = BytesIO()
    instance = prepared_instance(BytesIO(data), settings, blob)
    return instance, blob.getvalue()


@pytest.fixture
def make_dicom() -> Callable[..., FileDataset]:
    """A single- or multi-frame data set of the given values; keywords overwrite attributes."""

    def make(pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, **attributes: object) -> FileDataset:
        colour = pixels.ndim >= 3 and pixels.shape[-1] == 3
        frames = pixels.shape[0] if pixels.ndim == (4 if colour else 3) else 1
        rows, columns = (pixels.shape[-3:-1]) if colour else pixels.shape[-2:]
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = syntax
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = "1.2.3.4.5"
        dataset = FileDataset(BytesIO(), {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3.4.5"
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.1"
        dataset.PatientID, dataset.PatientName, dataset.Modality = "P1", "Doe^Jane", "CT"
        dataset.Rows, dataset.Columns = int(rows), int(columns)
        dataset.SamplesPerPixel = 3 if colour else 1
        dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
        if colour:
            dataset.PlanarConfiguration = 0
        if frames > 1:
            dataset.NumberOfFrames = frames
        bits = pixels.dtype.itemsize * 8
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
        dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
        raw = pixels.tobytes()
        dataset.PixelData = raw + b"\0" * (len(raw) % 2)
        dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
        for keyword, value in attributes.items():
            setattr(dataset, keyword, value)
        return dataset

    return make


@pytest.fixture
def as_file() -> Callable[..., bytes]:
    """The bytes of a data set as a DICOM file."""

    def written(dataset: FileDataset) -> bytes:
        out = BytesIO()
        dataset.save_as(out, enforce_file_format=True)
        return out.getvalue()

    return written
