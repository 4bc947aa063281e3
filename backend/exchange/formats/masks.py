"""Mask pictures: per reader one PNG (0 and 255) for each picture and finding type; `masks.json` says what is what."""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import numpy as np
from django.utils.text import slugify
from numpy.typing import NDArray
from PIL import Image

from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ExportCase, ImageFrame, lesion_masks, lesions_of
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import damage_of, read_json
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.looked_at import slices_entry, slices_of
from backend.exchange.formats.pictures import picture_files
from backend.readings.models import Reading

TITLE: Final = "PNG masks"
READ_IN_CHILD = True
CARRIES: Final = Carries(kinds=frozenset({"mask"}), instances=False, no_lesion=True, slices_read=True)
INDEX: Final = "masks.json"
_MAX_PIXELS: Final = 400_000_000


def write(export: Export) -> Iterator[ExportFile]:
    """The pictures, then the index. A reading without lesions has no picture; the index lists it with its verdict."""
    names = {one.pk: one.name for one in export.finding_types}
    masks: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for item in export.cases:
        yield from picture_files(export, item)
        for reading in item.readings:
            reader = export.reader_names[reading.reader_id]
            told.append(_told(export, item, reading, reader))
            for frame, finding_type, mask in _merged(item, reading):
                path = _path(item, reading, reader, frame, names[finding_type], finding_type)
                picture = _png(mask)
                masks.append(_entry(path, picture, item, reading, reader, frame, names[finding_type], mask))
                yield ExportFile(path, [picture])
    document = {"project": export.project.slug, "masks": masks, "readings": told}
    yield ExportFile(INDEX, [json.dumps(document, ensure_ascii=False, indent=1).encode()])


def _merged(item: ExportCase, reading: Reading) -> Iterator[tuple[ImageFrame, int, NDArray[np.bool_]]]:
    """Per picture and finding type the union of the reading's lesions."""
    merged: dict[tuple[int, int], NDArray[np.bool_]] = {}
    for lesion in lesions_of(reading):
        for frame, mask in lesion_masks(lesion, item.frames):
            key = (frame.index, lesion.finding_type_id)
            merged[key] = merged[key] | mask if key in merged else mask
    for (index, finding_type), mask in sorted(merged.items(), key=lambda pair: pair[0]):
        yield item.frames[index], finding_type, mask


def _path(item: ExportCase, reading: Reading, reader: str, frame: ImageFrame, name: str, finding_type: int) -> str:
    """Folder of the reader, then the picture's name and the finding type; ids keep apart what slugs do not."""
    folder = f"{reading.reader_id}-{slugify(reader)}".rstrip("-")
    return f"{folder}/{item.picture_name(frame)}_{finding_type}-{slugify(name)}".rstrip("-") + ".png"


def _png(mask: NDArray[np.bool_]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(out, "PNG", compress_level=6)
    return out.getvalue()


def _entry(
    path: str,
    picture: bytes,
    item: ExportCase,
    reading: Reading,
    reader: str,
    frame: ImageFrame,
    name: str,
    mask: NDArray[np.bool_],
) -> dict[str, Any]:
    return {
        "path": path,
        "sha256": hashlib.sha256(picture).hexdigest(),
        "case": item.case.name,
        "split": item.case.split,
        "reading": str(reading.pk),
        "reader": reader,
        "finding_type": name,
        "sop_instance_uid": frame.sop_instance_uid,
        "frame": frame.number,
        "index": frame.index,
        "pixels": int(mask.sum()),
    }


def _told(export: Export, item: ExportCase, reading: Reading, reader: str) -> dict[str, Any]:
    return {
        "reading": str(reading.pk),
        "case": item.case.name,
        "split": item.case.split,
        "reader": {"kind": reading.reader.kind, "name": reader},
        "verdict": reading.verdict,
        "label_kind": export.label_kind(reading),
        **slices_entry(item, reading),
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
        "sop_instance_uid": item.frames[0].sop_instance_uid,
    }


def recognises(files: Folder) -> bool:
    """Whether an index of mask pictures is among them."""
    return any(_is_index(name) for name in files)


def claims(files: Folder) -> Collection[str]:
    """The mask pictures that an index lists; they would pass for images."""
    return {base + str(entry.get("path")) for name in files if _is_index(name) for base, entry in _entries(files, name)}


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading per case and reader; each picture of a type is one lesion of it, for slices of a series the volume."""
    for name in files:
        if _is_index(name):
            yield from _indexed(files, name)


def _is_index(name: str) -> bool:
    return name.rsplit("/", 1)[-1] == INDEX


def _entries(files: Folder, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    base = name[: -len(INDEX)]
    for entry in _list(name, read_json(files[name], name), "masks"):
        yield base, entry


def _indexed(files: Folder, name: str) -> Iterator[ForeignReading | UnusableFile]:
    base = name[: -len(INDEX)]
    document = read_json(files[name], name)
    of_reading: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in _list(name, document, "masks"):
        of_reading[str(entry.get("reading"))].append(entry)
    for told in _list(name, document, "readings"):
        try:
            yield _reading(files, base, name, told, of_reading[str(told.get("reading"))])
        except (Refused, KeyError, TypeError, ValueError) as error:
            yield UnusableFile(name, f"The reading of {told.get('case')}: {damage_of(error)}")


def _reading(
    files: Folder, base: str, source: str, told: Mapping[str, Any], entries: list[dict[str, Any]]
) -> ForeignReading:
    by_type: dict[str, list[tuple[ImageReference, NDArray[np.bool_]]]] = defaultdict(list)
    for entry in entries:
        reference = ImageReference(str(entry["sop_instance_uid"]), int(entry["frame"]))
        by_type[str(entry["finding_type"])].append((reference, _mask(files, base + str(entry["path"]))))
    lesions = [ForeignLesion(finding=finding, kind="mask", masks=masks) for finding, masks in by_type.items()]
    return ForeignReading(
        source=f"{source}: {told.get('case')}",
        reader=str(told["reader"]["name"]),
        images=[ImageReference(str(told["sop_instance_uid"]))],
        lesions=lesions,
        complete=told.get("label_kind", "full") == "full",
        readable=told.get("verdict") != "not_readable",
        slices_read=slices_of(told),
    )


def _mask(files: Folder, name: str) -> NDArray[np.bool_]:
    if name not in files:
        raise Refused(f"there is no file {name}")
    try:
        with Image.open(files[name], formats=("PNG",)) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise Refused(f"{name} has {image.width}×{image.height} pixels")
            return np.asarray(image.convert("L")) > 0
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise Refused(f"{name} is no PNG picture, or it is damaged") from error


def _list(source: str, document: Any, key: str) -> list[dict[str, Any]]:
    found = document.get(key) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused(f"{source} has no list of {key}.")
    return found
