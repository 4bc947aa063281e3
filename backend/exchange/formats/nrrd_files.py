"""NRRD and 3D Slicer's `.seg.nrrd`: voxels, their place in LPS millimetres, and the names of the segments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nrrd
import numpy as np
from numpy.typing import NDArray

from backend.dicom.nrrd_header import SPACES
from backend.dicom.refusal import Refused
from backend.exchange.foreign import Code
from backend.exchange.formats.documents import file_head
from backend.exchange.formats.label_volumes import MAX_VOXELS, LabelVolume

_SEGMENT: Final = re.compile(r"Segment(\d+)_(\w+)")


@dataclass(frozen=True)
class Segment:
    """A segment of a `.seg.nrrd`: its name and code, its value in its layer."""

    name: str
    code: Code
    value: int
    layer: int


@dataclass(frozen=True)
class NrrdVolume:
    """Layers [layer, i, j, k] in the file's order, their affine to LPS, and segments, where the file names some."""

    layers: NDArray[Any]
    affine: NDArray[np.float64] | None
    segments: list[Segment]

    @property
    def volume(self) -> LabelVolume:
        """The one layer; Refused where there are several."""
        if len(self.layers) != 1:
            raise Refused("It has several layers of labels.")
        return LabelVolume(self.layers[0], self.affine)

    def layer(self, number: int) -> LabelVolume:
        """One layer; Refused where there is none of that number."""
        if not 0 <= number < len(self.layers):
            raise Refused(f"A segment names layer {number}, which the file does not have.")
        return LabelVolume(self.layers[number], self.affine)


def is_nrrd(path: Path, name: str) -> bool:
    """Whether a file is NRRD by its name and first bytes."""
    return name.lower().endswith((".nrrd", ".nhdr")) and file_head(path, 4) == b"NRRD"


def read_nrrd(path: Path, name: str) -> NrrdVolume:
    """An attached-header NRRD file; Refused where it is damaged, points to other files or is too big."""
    try:
        with path.open("rb") as file:
            header = nrrd.read_header(file)
            # A header may name other files of the machine; only data that follows it is read.
            if any(key in header for key in ("data file", "datafile")):
                raise Refused(f"{name} keeps its voxels in another file; join them into one .nrrd.")
            sizes = [int(extent) for extent in header["sizes"]]
            if int(np.prod(sizes, dtype=np.int64)) > MAX_VOXELS or min(sizes) < 1:
                raise Refused(f"{name} has {'×'.join(map(str, sizes))} voxels.")
            voxels = nrrd.read_data(header, file, str(path), index_order="F")
    except Refused:
        raise
    except (nrrd.NRRDError, OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise Refused(f"{name} is no NRRD file, or it is damaged.") from error
    layers = voxels if voxels.ndim == 4 else voxels[None]
    if layers.ndim != 4:
        raise Refused(f"{name} has {voxels.ndim} dimensions; a volume of labels has three, or four with layers.")
    return NrrdVolume(layers, _affine(header, name), _segments(header))


def _affine(header: Mapping[str, Any], name: str) -> NDArray[np.float64] | None:
    space, directions, origin = header.get("space"), header.get("space directions"), header.get("space origin")
    if space is None or directions is None or origin is None:
        return None
    signs = SPACES.get(str(space).lower())
    if signs is None:
        raise Refused(f"{name} lies in the space {space}, which is not read.")
    rows = [np.asarray(row, dtype=float) for row in directions if row is not None]
    kept = [row for row in rows if row.shape == (3,) and np.isfinite(row).all()]
    if len(kept) != 3:
        raise Refused(f"{name} has no three directions in space.")
    affine = np.eye(4)
    affine[:3, :3] = np.diag(signs) @ np.array(kept).T
    affine[:3, 3] = np.array(signs) * np.asarray(origin, dtype=float)
    if not np.isfinite(affine).all() or abs(float(np.linalg.det(affine[:3, :3]))) < 1e-9:
        raise Refused(f"{name} does not lie in space: its directions are singular.")
    return affine


def _segments(header: Mapping[str, Any]) -> list[Segment]:
    found: dict[int, dict[str, str]] = {}
    for key, value in header.items():
        match = _SEGMENT.fullmatch(str(key))
        if match is not None:
            found.setdefault(int(match.group(1)), {})[match.group(2)] = str(value)
    return [
        Segment(
            name=own.get("Name") or own.get("ID") or f"Segment {number + 1}",
            code=_code(own.get("Tags", "")),
            value=int(own.get("LabelValue") or number + 1),
            layer=int(own.get("Layer") or 0),
        )
        for number, own in sorted(found.items())
    ]


def _code(tags: str) -> Code:
    """The segmented property type of Slicer's terminology tag: `…~category~SCT^27925004^Nodule~…`."""
    for tag in tags.split("|"):
        name, _, value = tag.partition(":")
        parts = value.split("~")
        if name == "TerminologyEntry" and len(parts) > 2 and parts[2].count("^") >= 2:
            return Code(*parts[2].split("^")[:3])
    return Code()
