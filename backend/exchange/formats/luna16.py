"""LUNA16: `annotations.csv` with the centre (mm, patient coordinates) and diameter of each nodule of a CT series.

A nodule becomes the mask of its sphere in the series' grid; where the sphere is so small that it holds no voxel's centre,
the voxel that its own centre lies in. The table holds what at least three of four readers of the LIDC marked. With the
option `candidates=included`, `candidates.csv` (seriesuid, coordX, coordY, coordZ, class) becomes points. Verified on
specification fixtures only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats import lidc
from backend.exchange.formats.challenge_tables import number, rows_of, tables_with
from backend.exchange.formats.family import Carries, Folder, KnownImages, ReadContext
from backend.exchange.formats.options import FormatOption

TITLE = "LUNA16 (CSV)"
CARRIES = Carries(kinds=frozenset({"mask", "point"}), exact_masks=False, attributes=False)
SPECIFICITY = 10
READ_IN_CHILD = True
_WITH_CANDIDATES: Final = FormatOption(
    "candidates", "choice", "Whether points of candidates.csv become readings, too.", ("left_out", "included"), "left_out"
)
READ_OPTIONS: Final = (_WITH_CANDIDATES,)
READER: Final = "LUNA16"
CANDIDATES: Final = "LUNA16 candidates"
DIAMETER: Final = "Diameter (mm)"
_PLACE: Final = ("coordX", "coordY", "coordZ")
NODULES: Final = ("seriesuid", *_PLACE, "diameter_mm")
_CANDIDATES: Final = ("seriesuid", *_PLACE, "class")
_LARGEST_MM: Final = 300.0
_ROW_OPTION: Final = "row"


def recognises(files: Folder) -> bool:
    """Whether one of them is the table of nodules."""
    return bool(tables_with(files, NODULES))


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each series of each table; one that is not here waits, and the table with it.

    What waits is found again by the option `row`: the row (from 1) that is the first of its series.
    """
    wants_candidates = _WITH_CANDIDATES.of(context.options) == "included"
    kinds = [(READER, NODULES)] + ([(CANDIDATES, _CANDIDATES)] if wants_candidates else [])
    for reader, columns in kinds:
        for name in tables_with(files, columns):
            by_series: dict[str, list[dict[str, str]]] = {}
            first_row: dict[str, str] = {}
            for number_of_row, row in enumerate(rows_of(files, name), start=1):
                by_series.setdefault(row["seriesuid"], []).append(row)
                first_row.setdefault(row["seriesuid"], str(number_of_row))
            for series, rows in by_series.items():
                if context.options.get(_ROW_OPTION, first_row[series]) == first_row[series]:
                    yield _reading(name, reader, series, first_row[series], rows, context)


def _reading(
    name: str, reader: str, series: str, row: str, rows: Sequence[dict[str, str]], context: ReadContext
) -> ForeignReading | UnusableFile:
    source = f"{name}: {series}"
    known = context.by_uid(series)
    if known is None:
        # The row, not the UID: what is kept may not name a series that the archive names otherwise.
        kept = {_ROW_OPTION: row}
        return ForeignReading(
            source, reader, [ImageReference(sop_instance_uid=series)], keep_files=[name], keep_options=kept
        )
    try:
        if known.affine is None:
            raise Refused(f"The slices of {known.case_name} make no regular grid.")
        lesions = [_nodule(row, known) if reader == READER else _candidate(row, known) for row in rows]
    except Refused as refusal:
        return UnusableFile(source, str(refusal))
    images = [_reference(known, 0)]
    return ForeignReading(source, reader, images, lesions, complete=reader == READER)


def _nodule(row: dict[str, str], known: KnownImages) -> ForeignLesion:
    diameter = number(row, "diameter_mm")
    if not 0 < diameter <= _LARGEST_MM:
        raise Refused(f"A diameter is {diameter:g} mm.")
    masks = [
        (_reference(known, frame), mask) for frame, mask in sphere_masks(_centre(row), diameter / 2, known) if mask.any()
    ]
    return ForeignLesion(lidc.NODULE, "mask", masks=masks, code=lidc.NODULE_CODE, attributes={DIAMETER: round(diameter, 2)})


def _candidate(row: dict[str, str], known: KnownImages) -> ForeignLesion:
    frame, at_row, at_column = _index(_centre(row), known)
    finding = "Nodule candidate" if row["class"] == "1" else "Non-nodule candidate"
    point = [float(at_column) + 0.5, float(at_row) + 0.5]
    return ForeignLesion(finding, "point", _reference(known, round(float(frame))), [point])


def sphere_masks(centre: NDArray[np.float64], radius: float, known: KnownImages) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Mask [rows, columns] of each picture that a sphere (mm) reaches: the voxels whose centres lie in it."""
    assert known.affine is not None
    index = _index(centre, known)
    first = known.frames[0]
    shape = np.array((len(known.frames), first.rows, first.columns))
    reach = np.sqrt((np.linalg.inv(known.affine)[:3, :3] ** 2).sum(axis=1)) * radius
    low = np.maximum(np.floor(index - reach), 0).astype(int)
    high = np.minimum(np.ceil(index + reach) + 1, shape).astype(int)
    at_row, at_column = np.meshgrid(np.arange(low[1], high[1]), np.arange(low[2], high[2]), indexing="ij")
    nearest = tuple(int(value) for value in np.round(index))
    for frame in range(low[0], high[0]):
        offsets = np.stack((np.full(at_row.shape, frame) - index[0], at_row - index[1], at_column - index[2]), axis=-1)
        inside = ((offsets @ known.affine[:3, :3].T) ** 2).sum(axis=-1) <= radius**2
        mask = np.zeros((first.rows, first.columns), dtype=bool)
        mask[low[1] : high[1], low[2] : high[2]] = inside
        if frame == nearest[0]:
            mask[nearest[1], nearest[2]] = True
        yield frame, mask


def _index(centre: NDArray[np.float64], known: KnownImages) -> NDArray[np.float64]:
    """A point in mm as (frame, row, column); Refused where it lies outside the series."""
    assert known.affine is not None
    index: NDArray[np.float64] = (np.linalg.inv(known.affine) @ np.append(centre, 1.0))[:3]
    first = known.frames[0]
    shape = np.array((len(known.frames), first.rows, first.columns))
    if (index < -0.5).any() or (index >= shape - 0.5).any():
        place = ", ".join(f"{value:g}" for value in centre)
        raise Refused(f"A nodule at ({place}) mm lies outside the series.")
    return index


def _centre(row: dict[str, str]) -> NDArray[np.float64]:
    return np.array([number(row, column) for column in _PLACE])


def _reference(known: KnownImages, index: int) -> ImageReference:
    frame = known.frames[index]
    return ImageReference(sop_instance_uid=frame.sop_instance_uid, frame=frame.number)
