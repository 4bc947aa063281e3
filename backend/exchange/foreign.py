"""What a file of another program says: readings that do not know our cases yet, only their images by UID or name.

A reader of a format (`backend.exchange.formats`) makes these and touches no row; `attaching.py` finds the cases, keeps
aside what refers to images that are not here, and hands the rest to `backend.readings.import_services`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A picture as another program names it: by SOP Instance UID (the original one; `frame` counts from 1) or by name."""

    sop_instance_uid: str = ""
    frame: int = 1
    name: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A coded concept (PS3.3 Table 8.8-1); empty where the file has none."""

    scheme: str = ""
    value: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class ForeignLesion:
    """One mark of another program.

    `finding` is the name its file gives the type. `kind` is a mark kind of ours; `points` are [column, row] in the SCOORD
    convention on `image`. A mask has no points but `masks`: for each picture it touches a bool array [rows, columns] of
    that picture's own size, in the order of the pictures. `score` is a probability where the file says one.
    """

    finding: str
    kind: str
    image: ImageReference | None = None
    points: Sequence[Sequence[float]] = ()
    masks: Sequence[tuple[ImageReference, NDArray[np.bool_]]] = ()
    code: Code = Code()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True, slots=True)
class ForeignMeasurement:
    """A measurement or arrow on a picture (`backend.geometry.measurements`): no lesion. `points` as those of a lesion."""

    kind: str
    image: ImageReference
    points: Sequence[Sequence[float]]
    text: str = ""


@dataclass(frozen=True, slots=True)
class SlicesRead:
    """Which slices of a case its reader looked at: ranges [first, last] in reading order, from 0, joined.

    `slices` is how many the case had where the file comes from; None where the file does not tell.
    """

    ranges: Sequence[Sequence[int]]
    slices: int | None = None

    def fits(self, slices: int) -> bool:
        """Whether the ranges mean the same in a case of that many slices."""
        return self.slices in (None, slices) and (not self.ranges or self.ranges[-1][1] < slices)

    def are_all(self) -> bool:
        """Whether no slice was left out."""
        return self.slices is not None and [list(one) for one in self.ranges] == [[0, self.slices - 1]]


@dataclass(frozen=True, slots=True)
class ForeignReading:
    """All that one reader of another program says of one case.

    `images`: pictures it speaks of (one is enough to find the case). `image_findings`: name of a finding of the whole
    image to whether it is present. `complete`: the lesions are all there are (so none means "no lesion"); where it is false
    and there is no lesion, the reading speaks of the image as a whole only. `source`: the file, for messages.
    `keep_files`: names of files that cannot be understood before the images of `images` are here (a volume of masks without
    its grid); they are kept whole and read again when the images arrive, with `keep_options` among the options (an empty
    one takes an option away). `keep_data` is the same for what is kept in another form than it came in: bytes by file name.
    `segmentations`: SOP Instance UIDs of segmentations that it refers to and that are not here yet; it waits for them first.
    `slices_read`: which slices of the case were looked at; None where the file does not tell, which counts as all.
    `follows_own`: a reading of its reader was made of its segmentation alone, which came before it.
    """

    source: str
    reader: str
    images: Sequence[ImageReference]
    lesions: Sequence[ForeignLesion] = ()
    image_findings: Mapping[str, bool] = field(default_factory=dict)
    complete: bool = True
    readable: bool = True
    keep_files: Sequence[str] = ()
    keep_options: Mapping[str, str] = field(default_factory=dict)
    keep_data: Mapping[str, bytes] = field(default_factory=dict)
    measurements: Sequence[ForeignMeasurement] = ()
    segmentations: Sequence[str] = ()
    slices_read: SlicesRead | None = None
    follows_own: bool = False


@dataclass(frozen=True, slots=True)
class UnusableFile:
    """A file that a format's reader could not use, and why; the reader goes on with the next one."""

    source: str
    reason: str
