"""The types that every format shares: what goes out, what comes in, and what a format can carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from backend.dicom.found import FoundObject
from backend.dicom.volumes import Plane
from backend.exchange.export_selection import ExportCase, ImageFrame
from backend.exchange.foreign import ImageReference
from backend.projects.models import FindingType, Project
from backend.readings.models import Reading, Verdict


@dataclass(frozen=True, slots=True)
class Carries:
    """What of a reading survives in a format. `kinds`: mark kinds kept as they are; others become `others_become`.

    `instances`: lesions of one type stay apart (else only the type's pixels survive). `exact_masks`: no pixel is lost.
    `measurements`: kinds of measurements that are kept (`backend.geometry.measurements`).
    `slices_read`: which slices of a series were looked at.
    `needs_space`: readings of images that lie in no frame of reference are left out.
    """

    kinds: frozenset[str]
    others_become: str = "mask"
    instances: bool = True
    exact_masks: bool = True
    overlaps: bool = True
    volumes: bool = True
    attributes: bool = False
    image_findings: bool = False
    no_lesion: bool = False
    readers: bool = True
    codes: bool = False
    measurements: frozenset[str] = frozenset()
    slices_read: bool = False
    needs_space: bool = False
    notes: tuple[str, ...] = ()
    """Sentences (English, marked for translation) on what else is lost."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export: its path in the archive and its bytes, at once or in pieces.

    `is_image`: an image that was read, alongside what is said of it; the manifest tells these apart.
    """

    path: str
    pieces: Iterator[bytes] | Sequence[bytes]
    is_image: bool = False


@dataclass(frozen=True)
class Export:
    """What a writer is given. `cases` may be iterated once; everything else as often as needed.

    `header(frame)` is the stored header of a picture's instance (de-identified, without pixels), `pixels(frame)` its
    stored values [rows, columns] or [rows, columns, 3], `rendered(frame)` the picture as an eye sees it, 8 bit of the
    same shape, `dicom(frame)` the DICOM file of its instance in pieces. `affine(case)` is the 4×4 of (frame, row,
    column) to patient mm (LPS) of the case's grid, or None. `reader_names`: by id, no two alike; write these, not
    `reader.name`. `pictures`: images go alongside (`backend.exchange.formats.pictures` writes them). `filtered`: some
    finding types were left out. `options` are the format's own, by name.
    """

    project: Project
    finding_types: Sequence[FindingType]
    cases: Iterator[ExportCase]
    header: Callable[[ImageFrame], Dataset]
    pixels: Callable[[ImageFrame], NDArray[np.generic]]
    affine: Callable[[ExportCase], NDArray[np.float64] | None]
    rendered: Callable[[ImageFrame], NDArray[np.uint8]]
    reader_names: Mapping[int, str]
    dicom: Callable[[ImageFrame], Iterator[bytes]]
    pictures: bool = False
    filtered: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    def label_kind(self, reading: Reading) -> str:
        """Whether the lesions that go out are all there are ("full"), or not ("image"): not where types were left out."""
        return "image" if self.filtered and reading.verdict == Verdict.LESIONS else reading.label_kind


Folder = Mapping[str, Path]
"""Files of one import by their name (path below what was given, with forward slashes)."""


@dataclass(frozen=True, slots=True)
class KnownImages:
    """The pictures of a case that is here, in reading order, and its affine (see `Export.affine`).

    `asked`: the very picture that was asked for, where name or UID stand for one. `positions`: where each lies along the
    slice normal in mm, also where they make no regular grid; empty if unknown. `is_hung`: they come from a volume file and
    were turned and mirrored from its order of voxels to the one they are read in.
    """

    case_name: str
    frames: Sequence[ImageFrame]
    affine: NDArray[np.float64] | None
    asked: ImageFrame | None = None
    positions: Sequence[float] = ()
    is_hung: bool = False


def _nothing(reference: ImageReference) -> KnownImages | None:
    return None


class ObjectContext(Protocol):
    """How SEG, SR and RTSTRUCT files are read and placed; nothing received is parsed in this process."""

    def read(self, path: Path, threshold: float) -> FoundObject:
        """What an object says, parsed in the limited child process; Refused with the reason if it cannot be used."""

    def locate(self, uid: str, frame: int) -> tuple[KnownImages, ImageFrame] | None:
        """The picture of a SOP Instance UID, original or stored, and its case."""

    def in_space(self, uid: str) -> Sequence[KnownImages]:
        """The cases whose series lie in an (original or stored) frame of reference."""

    def planes(self, known: KnownImages) -> Sequence[Plane | None]:
        """Where each picture of a case lies."""

    def aside(self, found: FoundObject) -> bytes:
        """The object as it may be kept until its images come: `read` takes it then; it names what the archive would."""

    def remember(self, found: FoundObject, reader: str) -> str:
        """Remember a segmentation for reports that come another time, with whose reading is made of it alone, if one is.

        Whose reading was made of it alone when it came first.
        """

    def remembered(self, uid: str) -> tuple[FoundObject, str] | None:
        """The segmentation of a SOP Instance UID that came another time, and whose reading was made of it alone."""

    def is_awaited(self, uid: str) -> bool:
        """Whether a report that came before waits for a segmentation."""


@dataclass(frozen=True)
class ReadContext:
    """What a reader of a format may ask of the project.

    `by_name(name)`: the case of a file of this or an earlier import (path, name, or name without extension) or of a case's
    name; `by_uid(uid)`: the case that holds an original SOP or Series Instance UID; None where it is not here (yet).
    `find(reference)`: the case of a reference, by its UID, else by its name (where it has a UID, the name is looked for
    among the files of the same import only: equal names of two projects are different images). `reader` is the name that
    the person gave for readings whose file names nobody. `options` are the format's own.
    `objects` is what formats that are DICOM objects ask besides.
    """

    by_name: Callable[[str], KnownImages | None]
    by_uid: Callable[[str], KnownImages | None]
    reader: str = "Imported labels"
    options: Mapping[str, str] = field(default_factory=dict)
    find: Callable[[ImageReference], KnownImages | None] = _nothing
    objects: ObjectContext | None = None
