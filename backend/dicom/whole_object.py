"""A SEG, SR or RTSTRUCT that was made here as the archive keeps it: the file itself, and where its frames lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from backend.dicom.header import BulkData, Header, object_header, text, whole_number
from backend.dicom.refusal import Refused


@dataclass(frozen=True)
class WholeObject:
    """`blob` holds the file at `file_range` ([offset, length]) and, behind it, what cannot be pointed at inside it."""

    header: Header
    header_text: str
    blob: bytes
    file_range: list[int]
    frame_ranges: list[list[int]]

    def instance_values(self) -> dict[str, Any]:
        """What an instance's columns repeat of the header; zero and empty where the object has no pixels."""
        header = self.header

        def number(keyword: str) -> int:
            return (whole_number(header, keyword) or 0) if self.frame_ranges else 0

        return {
            "sop_instance_uid": text(header, "SOPInstanceUID"),
            "sop_class_uid": text(header, "SOPClassUID"),
            "instance_number": whole_number(header, "InstanceNumber"),
            "rows": number("Rows"),
            "columns": number("Columns"),
            "number_of_frames": len(self.frame_ranges),
            "samples_per_pixel": number("SamplesPerPixel"),
            "bits_allocated": number("BitsAllocated"),
            "photometric_interpretation": text(header, "PhotometricInterpretation", 16) if self.frame_ranges else "",
            "transfer_syntax_uid": text(header, "AvailableTransferSyntaxUID"),
            "dicom_json": self.header_text,
            "frame_ranges": self.frame_ranges,
            "file_range": self.file_range,
        }


def whole_object(data: bytes) -> WholeObject:
    """The object in the bytes of a DICOM file that was written here; Refused where its pixels are compressed.

    Frames of one bit a pixel follow each other without padding (PS3.5 8.1.1), so one that does not fill whole bytes begins
    inside a byte. Served alone it begins with its first pixel: such frames are written once more, each on its own, behind
    the file.
    """
    dataset = dcmread(BytesIO(data))
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        raise Refused("Its pixels are compressed.")
    frames, ranges = b"", []
    if "PixelData" in dataset:
        bits = dataset.Rows * dataset.Columns * dataset.SamplesPerPixel * dataset.BitsAllocated
        count = int(dataset.get("NumberOfFrames") or 1)
        if bits % 8:
            frames = b"".join(_frames_on_their_own(dataset.PixelData, bits, count))
            start = len(data)
        else:
            start = _pixels_at(dataset, data)
        size = -(-bits // 8)
        ranges = [[start + index * size, size] for index in range(count)]
    bulk = BulkData(len(data) + len(frames))
    header, encoded = object_header(dataset, bulk)
    blob = b"".join((data, frames, *bulk.values))
    return WholeObject(header, encoded, blob, [0, len(data)], ranges)


def _frames_on_their_own(pixels: bytes, bits: int, count: int) -> Iterator[bytes]:
    """Each frame of `bits` bits from its own first byte on, the last byte filled with zeros."""
    packed = np.frombuffer(pixels, np.uint8)
    for index in range(count):
        first, skipped = divmod(index * bits, 8)
        within = np.unpackbits(packed[first : -(-(index + 1) * bits // 8)], bitorder="little")
        yield np.packbits(within[skipped : skipped + bits], bitorder="little").tobytes()


def _pixels_at(dataset: Dataset, data: bytes) -> int:
    """Where the value of Pixel Data begins in the file."""
    element: Any = dataset.get_item("PixelData")
    start, value = int(element.value_tell), bytes(element.value)
    if data[start : start + len(value)] != value:
        raise Refused("Its pixels do not lie where its header says.")
    return start
