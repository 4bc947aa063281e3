"""Readings as mask pictures in a zip that is written while it is sent."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify
from numpy.typing import NDArray
from PIL import Image

from backend.exchange.export_selection import ExportCase, ExportFilter, ImageFrame, export_cases, lesion_masks, lesions_of
from backend.projects.models import FindingType, Project
from backend.readings.models import Reading

# No file's time is told: the same readings give the same entries.
_DATE: Final = (1980, 1, 1, 0, 0, 0)


class _Outbox(io.RawIOBase):
    """A file that can only be written, and gives up what was written since it was last asked."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """It can be written."""
        return True

    def write(self, data: Any) -> int:
        """Keep the bytes until they are taken."""
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """What was written since."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def mask_zip_pieces(*, project: Project, readings: QuerySet[Reading], chosen: ExportFilter) -> Iterator[bytes]:
    """The zip: per reader one PNG (0 and 255) for each picture and finding type with a lesion, and manifest.json.

    A reading without lesions has no picture; the manifest lists it with its verdict.
    """
    names = dict(FindingType.objects.filter(project=project).values_list("pk", "name"))
    masks: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w") as archive:
        for item in export_cases(readings=readings, chosen=chosen):
            for reading in item.readings:
                told.append(_told(item, reading))
                for frame, finding_type, mask in _merged(item, reading):
                    path = _path(item, reading, frame, names[finding_type], finding_type)
                    picture = _png(mask)
                    archive.writestr(zipfile.ZipInfo(path, _DATE), picture)
                    masks.append(_entry(path, picture, item, reading, frame, names[finding_type], mask))
                    yield outbox.take()
        manifest = {
            "project": project.slug,
            "name": project.name,
            "synthetic": project.synthetic,
            "date_created": timezone.now().isoformat(timespec="seconds"),
            "masks": masks,
            "readings": told,
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        archive.writestr(zipfile.ZipInfo("manifest.json", _DATE), text, zipfile.ZIP_DEFLATED)
    yield outbox.take()


def _merged(item: ExportCase, reading: Reading) -> Iterator[tuple[ImageFrame, int, NDArray[np.bool_]]]:
    """Per picture and finding type the union of the reading's lesions."""
    merged: dict[tuple[int, int], NDArray[np.bool_]] = {}
    for lesion in lesions_of(reading):
        for frame, mask in lesion_masks(lesion, item.frames):
            key = (frame.index, lesion.finding_type_id)
            merged[key] = merged[key] | mask if key in merged else mask
    for (index, finding_type), mask in sorted(merged.items(), key=lambda pair: pair[0]):
        yield item.frames[index], finding_type, mask


def _path(item: ExportCase, reading: Reading, frame: ImageFrame, name: str, finding_type: int) -> str:
    """Folder of the reader, then the picture's name and the finding type; ids keep apart what slugs do not."""
    folder = f"{reading.reader_id}-{slugify(reading.reader.name)}".rstrip("-")
    return f"{folder}/{item.picture_name(frame)}_{finding_type}-{slugify(name)}".rstrip("-") + ".png"


def _png(mask: NDArray[np.bool_]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _entry(
    path: str, picture: bytes, item: ExportCase, reading: Reading, frame: ImageFrame, name: str, mask: NDArray[np.bool_]
) -> dict[str, Any]:
    return {
        "path": path,
        "sha256": hashlib.sha256(picture).hexdigest(),
        "case": item.case.name,
        "split": item.case.split,
        "reading": str(reading.pk),
        "reader": reading.reader.name,
        "finding_type": name,
        "sop_instance_uid": frame.sop_instance_uid,
        "frame": frame.number,
        "index": frame.index,
        "pixels": int(mask.sum()),
    }


def _told(item: ExportCase, reading: Reading) -> dict[str, Any]:
    return {
        "reading": str(reading.pk),
        "case": item.case.name,
        "split": item.case.split,
        "reader": {"kind": reading.reader.kind, "name": reading.reader.name},
        "verdict": reading.verdict,
        "label_kind": reading.label_kind,
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
    }
