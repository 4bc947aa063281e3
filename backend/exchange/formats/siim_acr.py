"""SIIM-ACR Pneumothorax Segmentation (2019): a table ImageId, EncodedPixels of masks on 1024 × 1024 chest radiographs.

The runs are column by column from the top-left corner, in pairs: how far after the end of the last run, and how many pixels;
-1 says that there is no pneumothorax. `ImageId` is the SOP Instance UID, which is also the file's name. Verified on
specification fixtures only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.foreign import Code, ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.challenge_tables import looks_like_uid, rows_of, tables_with
from backend.exchange.formats.family import Carries, Folder, ReadContext

TITLE = "SIIM-ACR Pneumothorax (CSV)"
CARRIES = Carries(kinds=frozenset({"mask"}), no_lesion=True)
SPECIFICITY = 10
READ_IN_CHILD = True
FINDING: Final = "Pneumothorax"
SIZE: Final = 1024
_CODE: Final = Code("SCT", "36118008", "Pneumothorax")
_COLUMNS: Final = ("ImageId", "EncodedPixels")


def recognises(files: Folder) -> bool:
    """Whether one of them is such a table."""
    return bool(tables_with(files, _COLUMNS))


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each image of each table; each row is a mask of its own."""
    for name in tables_with(files, _COLUMNS):
        by_image: dict[str, list[str]] = {}
        for row in rows_of(files, name):
            by_image.setdefault(row["imageid"], []).append(row["encodedpixels"])
        for image, runs in by_image.items():
            uid = looks_like_uid(image)
            reference = ImageReference(sop_instance_uid=image) if uid else ImageReference(name=image)
            try:
                masks = [relative_runs(text, SIZE, SIZE) for text in runs if text != "-1"]
                if masks and len(masks) < len(runs):
                    raise Refused("One row says that there is no pneumothorax, another marks one.")
            except Refused as refusal:
                yield UnusableFile(f"{name}: {image}", str(refusal))
                continue
            lesions = [ForeignLesion(FINDING, "mask", masks=[(reference, mask)], code=_CODE) for mask in masks]
            yield ForeignReading(name, context.reader, [reference], lesions)


def relative_runs(text: str, rows: int, columns: int) -> NDArray[np.bool_]:
    """The mask [rows, columns] of pairs (gap, run) along its columns; Refused where they leave it or mark nothing."""
    try:
        pairs = np.array([int(word) for word in text.split()], dtype=np.int64).reshape(-1, 2)
    except (ValueError, OverflowError) as error:
        raise Refused("Its runs are no pairs of whole numbers.") from error
    if len(pairs) > rows * columns or not len(pairs) or pairs.min() < 0 or pairs.max() > rows * columns:
        raise Refused("Its runs leave the image.")
    ends = np.cumsum(pairs.ravel())
    if ends[-1] > rows * columns:
        raise Refused("Its runs leave the image.")
    flat = np.zeros(rows * columns, dtype=bool)
    for start, end in ends.reshape(-1, 2):
        flat[start:end] = True
    if not flat.any():
        raise Refused("Its mask is empty.")
    return np.ascontiguousarray(flat.reshape(columns, rows).T)
