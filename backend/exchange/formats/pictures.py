"""The images beside the readings, for formats that name pictures: PNG as an eye sees them, or whole DICOM files."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.exchange.export_selection import ExportCase, ImageFrame
from backend.exchange.formats.family import Export, ExportFile


def png_bytes(pixels: NDArray[np.uint8]) -> bytes:
    """8-bit grey or RGB as PNG."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=3)
    return out.getvalue()


def picture_path(item: ExportCase, frame: ImageFrame, folder: str = "images") -> str:
    """Where a picture lies in an export, also where it is only referred to."""
    return f"{folder}/{item.picture_name(frame)}.png"


def picture_files(export: Export, item: ExportCase, folder: str = "images") -> Iterator[ExportFile]:
    """All pictures of a case as PNG, where they go alongside."""
    if export.pictures:
        for frame in item.frames:
            yield ExportFile(picture_path(item, frame, folder), [png_bytes(export.rendered(frame))], is_image=True)


def dicom_files(export: Export, item: ExportCase, folder: str = "images") -> Iterator[ExportFile]:
    """The DICOM files of a case's instances (as stored, after de-identification), where they go alongside."""
    if export.pictures:
        for frame in item.frames:
            if frame.number == 1:
                path = f"{folder}/{item.case.name}/{frame.sop_instance_uid}.dcm"
                yield ExportFile(path, export.dicom(frame), is_image=True)
