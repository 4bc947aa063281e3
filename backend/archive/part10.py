"""Whole DICOM files (PS3.10), rebuilt from the stored header and frames."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.filewriter import dcmwrite
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

from backend.archive.models import Instance
from backend.archive.rendering import read_frame

# Group 0002 and what only makes sense on the wire; it does not belong in a file's dataset.
_AVAILABLE_TRANSFER_SYNTAX = "00083002"
_TABLE_LIMIT = 2**32 - 2**20


def part10_file(instance: Instance, *, decode: bool) -> bytes:
    """The instance as a DICOM file; `decode` makes its pixels uncompressed Explicit VR Little Endian."""
    header = json.loads(instance.dicom_json)
    dataset = Dataset.from_json({tag: item for tag, item in header.items() if _belongs(tag)})
    frames = [read_frame(instance, number) for number in range(1, len(instance.frame_ranges) + 1)]
    syntax = UID(instance.transfer_syntax_uid)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(instance.sop_class_uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(instance.sop_instance_uid)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    if frames:
        _put_pixels(dataset, frames, syntax)
    if decode and syntax.is_encapsulated:
        dataset.decompress(generate_instance_uid=False)
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def _belongs(tag: str) -> bool:
    return not tag.startswith("0002") and tag not in (_AVAILABLE_TRANSFER_SYNTAX, "7FE00010", "7FE00008", "7FE00009")


def _put_pixels(dataset: Dataset, frames: Sequence[bytes], syntax: UID) -> None:
    if not syntax.is_encapsulated:
        pixels = b"".join(frames)
        dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
        dataset["PixelData"].VR = "OB" if dataset.BitsAllocated <= 8 else "OW"
        return
    if sum(len(frame) for frame in frames) < _TABLE_LIMIT:
        dataset.PixelData = encapsulate(list(frames))
    else:
        # Offsets beyond 32 bit need the Extended Offset Table.
        dataset.PixelData, dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = encapsulate_extended(
            list(frames)
        )
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
