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
from backend.archive.store import get_range
from backend.archive.transcoding import transcoded_frame
from backend.dicom.header import bulk_range, frame_format
from backend.dicom.transcode import photometric_of

# Group 0002 and what only makes sense on the wire; it does not belong in a file's dataset.
_AVAILABLE_TRANSFER_SYNTAX = "00083002"
_TABLE_LIMIT = 2**32 - 2**20


def part10_file(instance: Instance, *, syntax: str = "") -> bytes:
    """The instance as a DICOM file, as it is stored or in another transfer syntax (those of `backend.dicom.transcode`).

    What was made here is its own file, byte for byte, whatever syntax is asked for.
    """
    if instance.file_range is not None:
        return get_range(instance.frames_key, *instance.file_range)
    syntax = syntax or instance.transfer_syntax_uid
    header = json.loads(instance.dicom_json)
    belonging = {tag: item for tag, item in header.items() if _belongs(tag)}
    dataset = Dataset.from_json(belonging, lambda uri: get_range(instance.frames_key, *bulk_range(uri)))
    frames = [read_frame(instance, number) for number in range(1, len(instance.frame_ranges) + 1)]
    stored = UID(instance.transfer_syntax_uid)
    # Uncompressed frames are the same bytes in every little-endian syntax.
    if syntax != stored and (UID(syntax).is_encapsulated or stored.is_encapsulated):
        form = frame_format(header)
        frames = [transcoded_frame(frame, form, syntax) for frame in frames]
        dataset.PhotometricInterpretation = photometric_of(form)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID(instance.sop_class_uid)
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(instance.sop_instance_uid)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    if frames:
        _put_pixels(dataset, frames, UID(syntax))
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
