"""The types that every format shares: what goes out, what comes in, and what a format can carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from backend.exchange.export_selection import ExportCase, ImageFrame
from backend.projects.models import FindingType, Project


@dataclass(frozen=True, slots=True)
class Carries:
    """What of a reading survives in a format. `kinds`: mark kinds kept as they are; others become `others_become`."""

    kinds: frozenset[str]
    others_become: str = "mask"
    exact_masks: bool = True
    overlaps: bool = True
    volumes: bool = True
    attributes: bool = False
    image_findings: bool = False
    no_lesion: bool = False
    readers: bool = True
    codes: bool = False
    notes: tuple[str, ...] = ()
    """Sentences (English, marked for translation) on what else is lost."""


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export: its path in the archive and its bytes, at once or in pieces."""

    path: str
    pieces: Iterator[bytes] | Sequence[bytes]


@dataclass(frozen=True)
class Export:
    """What a writer is given. `cases` may be iterated once; everything else as often as needed.

    `header(frame)` is the stored header of a picture's instance (de-identified, without pixels), `pixels(frame)` its stored
    values [rows, columns] or [rows, columns, 3], `affine(case)` the 4×4 of (frame, row, column) to patient mm (LPS) of a
    series, or None. `options` are the format's own, by name. `pictures`: images go alongside; `rendered(frame)` is the
    picture as an eye sees it, 8 bit [rows, columns] or [rows, columns, 3], `dicom(frame)` the whole DICOM file of its
    instance (`backend.exchange.formats.pictures` writes both).
    """

    project: Project
    finding_types: Sequence[FindingType]
    cases: Iterator[ExportCase]
    header: Callable[[ImageFrame], Dataset]
    pixels: Callable[[ImageFrame], NDArray[np.generic]]
    affine: Callable[[ExportCase], NDArray[np.float64] | None]
    rendered: Callable[[ImageFrame], NDArray[np.uint8]]
    dicom: Callable[[ImageFrame], bytes]
    pictures: bool = False
    options: Mapping[str, str] = field(default_factory=dict)


Folder = Mapping[str, Path]
"""Files of one import by their name (path below what was given, with forward slashes)."""


@dataclass(frozen=True, slots=True)
class KnownImages:
    """The pictures of a case that is here, in reading order, and its affine (see `Export.affine`)."""

    case_name: str
    frames: Sequence[ImageFrame]
    affine: NDArray[np.float64] | None


@dataclass(frozen=True)
class ReadContext:
    """What a reader of a format may ask of the project.

    `by_name(name)`: the case of a file of this or an earlier import (path, name, or name without extension) or of a case's
    name; `by_uid(uid)`: the case that holds an original SOP, Series or Study Instance UID; None where it is not here (yet).
    `reader` is the name that the person gave for readings whose file names nobody. `options` are the format's own.
    """

    by_name: Callable[[str], KnownImages | None]
    by_uid: Callable[[str], KnownImages | None]
    reader: str = "Imported labels"
    options: Mapping[str, str] = field(default_factory=dict)
