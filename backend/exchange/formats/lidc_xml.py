"""LIDC-IDRI as The Cancer Imaging Archive gives it out: an XML file a CT with up to four reading sessions.

Each session becomes a reading of "LIDC 1", "LIDC 2", …: the place of a session in its file, no person; the archive names
nobody, and the first reader of two files may be two radiologists. A nodule of 3 mm or more has outlines (see `lidc`) and
ratings; a smaller one, and what is no nodule, is a point. Verified on specification fixtures only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats import lidc
from backend.exchange.formats.documents import file_head, read_xml
from backend.exchange.formats.family import Folder, KnownImages, ReadContext
from backend.exchange.formats.options import OUTLINE

TITLE = "LIDC-IDRI (XML)"
CARRIES = lidc.CARRIES
SPECIFICITY = 10
READ_IN_CHILD = True
READ_OPTIONS: Final = (OUTLINE,)
SMALL: Final = "Nodule < 3 mm"
OTHER: Final = "Non-nodule ≥ 3 mm"


@dataclass(frozen=True)
class _Scan:
    """The pictures of one file: their size, and every picture that any session speaks of."""

    rows: int
    columns: int
    images: list[ImageReference]
    included: bool


def recognises(files: Folder) -> bool:
    """Whether an XML file among them is a reading message of the LIDC."""
    return any(_is_message(files, name) for name in files)


def _is_message(files: Folder, name: str) -> bool:
    return name.lower().endswith(".xml") and b"LidcReadMessage" in file_head(files[name])


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each session of each file; a file whose CT is not here is kept for when it comes."""
    for name in files:
        if not name.lower().endswith(".xml") or not _is_message(files, name):
            continue
        try:
            yield from _readings(files, name, context)
        except Refused as refusal:
            yield UnusableFile(name, str(refusal))


def _readings(files: Folder, name: str, context: ReadContext) -> list[ForeignReading]:
    root = read_xml(files[name], name)
    sessions = [child for child in root.iter() if _tag(child) == "readingSession"]
    if not sessions:
        raise Refused("It holds no reading session.")
    uids = list(dict.fromkeys(_text(element) for element in root.iter() if _tag(element) == "imageSOP_UID"))
    series = next((_text(element) for element in root.iter() if _tag(element).lower() == "seriesinstanceuid"), "")
    images = [ImageReference(sop_instance_uid=uid) for uid in uids if uid] or [ImageReference(sop_instance_uid=series)]
    if not images[0].sop_instance_uid:
        raise Refused("It names no image.")
    known = _known(context, images, series)
    if known is None:
        return [ForeignReading(name, lidc.READER.format(1), images, keep_files=[name])]
    first = known.frames[0]
    scan = _Scan(first.rows, first.columns, images, lidc.outline_is_included(context))
    readings = []
    for number, session in enumerate(sessions, start=1):
        lesions = [lesion for child in session if (lesion := _lesion(child, scan)) is not None]
        readings.append(ForeignReading(name, lidc.READER.format(number), images, lesions))
    return readings


def _known(context: ReadContext, images: list[ImageReference], series: str) -> KnownImages | None:
    """The case that holds the pictures, if all of them are here."""
    found = [context.by_uid(image.sop_instance_uid) for image in images]
    if found and all(found):
        return found[0]
    return context.by_uid(series) if series and len(images) == 1 else None


def _lesion(element: Element, scan: _Scan) -> ForeignLesion | None:
    kind = _tag(element)
    if kind == "nonNodule":
        return _point(OTHER, element, "locus")
    if kind != "unblindedReadNodule":
        return None
    regions = [child for child in element if _tag(child) == "roi"]
    if not regions:
        raise Refused(f"Nodule {_child_text(element, 'noduleID')} has no outline.")
    characteristics = {_tag(value): _text(value) for child in element if _tag(child) == "characteristics" for value in child}
    if len(regions) == 1 and sum(_tag(child) == "edgeMap" for child in regions[0]) == 1:
        return _point(SMALL, regions[0], "edgeMap")
    return ForeignLesion(
        lidc.NODULE, "mask", masks=_masks(regions, scan), code=lidc.NODULE_CODE, attributes=lidc.ratings(characteristics)
    )


def _masks(regions: list[Element], scan: _Scan) -> list[tuple[ImageReference, NDArray[np.bool_]]]:
    by_image: dict[str, list[lidc.Region]] = {}
    for region in regions:
        uid = _child_text(region, "imageSOP_UID")
        outline = lidc.pixels_of(_coordinates(child) for child in region if _tag(child) == "edgeMap")
        keep = _child_text(region, "inclusion").upper() != "FALSE"
        by_image.setdefault(uid, []).append((keep, outline))
    return [
        (
            ImageReference(sop_instance_uid=uid),
            lidc.slice_mask(own, rows=scan.rows, columns=scan.columns, included=scan.included),
        )
        for uid, own in by_image.items()
    ]


def _point(finding: str, element: Element, tag: str) -> ForeignLesion:
    place = next((child for child in element if _tag(child) == tag), None)
    uid = _child_text(element, "imageSOP_UID")
    if place is None or not uid:
        raise Refused(f"A mark of the kind {finding} has no place.")
    column, row = _coordinates(place)
    return ForeignLesion(finding, "point", ImageReference(sop_instance_uid=uid), [[column + 0.5, row + 0.5]])


def _coordinates(element: Element) -> tuple[float, float]:
    try:
        return float(_child_text(element, "xCoord")), float(_child_text(element, "yCoord"))
    except ValueError as error:
        raise Refused("A coordinate is no number.") from error


def _child_text(element: Element, tag: str) -> str:
    return next((_text(child) for child in element if _tag(child) == tag), "")


def _tag(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: Element) -> str:
    return (element.text or "").strip()
