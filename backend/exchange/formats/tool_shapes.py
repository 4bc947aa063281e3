"""What the exports of labelling tools share: pictures by name and size, tilted boxes and ellipses, cropped run lengths."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.formats.family import KnownImages, ReadContext

_UPLOAD_PREFIX: Final = re.compile(r"^[0-9a-f]{8}-")


def picture_names(address: str) -> list[str]:
    """Names that the picture of an address (a path, a URL, a tool's upload) may have here, the likeliest first."""
    parts = urlsplit(address)
    path = parse_qs(parts.query).get("d", [parts.path])[0] if parts.scheme in ("", "http", "https") else parts.path
    path = unquote(path).strip("/")
    folder, slash, name = path.rpartition("/")
    bare = _UPLOAD_PREFIX.sub("", name)
    return [path] if bare == name else [path, f"{folder}{slash}{bare}"]


def known_picture(context: ReadContext, names: Sequence[str]) -> tuple[str, KnownImages | None]:
    """The first of the names that is here, and its case; else the last name."""
    for name in names:
        known = context.by_name(name)
        if known is not None:
            return name, known
    return names[-1], None


def size_of(known: KnownImages) -> tuple[int, int]:
    """Columns and rows of a case's pictures; Refused where a name stands for several."""
    if len(known.frames) != 1:
        raise Refused(f"{known.case_name} has {len(known.frames)} pictures; a mark of this file names none of them.")
    return known.frames[0].columns, known.frames[0].rows


def tilted(points: Sequence[Sequence[float]], about: Sequence[float], degrees: float) -> list[list[float]]:
    """Points turned clockwise (the column axis towards the row axis) about one of them or another."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = []
    for column, row in points:
        x, y = column - about[0], row - about[1]
        turned.append([about[0] + x * cos - y * sin, about[1] + x * sin + y * cos])
    return turned


def ellipse_points(x: float, y: float, across: float, down: float, degrees: float) -> list[list[float]]:
    """The ends of both diameters of an ellipse with these half axes."""
    ends = [[x - across, y], [x + across, y], [x, y - down], [x, y + down]]
    return tilted(ends, (x, y), degrees)


def cropped_runs(counts: Sequence[int], box: Sequence[int], columns: int, rows: int) -> NDArray[np.bool_]:
    """Mask [rows, columns] of run lengths (the first of zeros) row by row in a box (left, top, width, height)."""
    left, top, width, height = box
    if min(left, top) < 0 or min(width, height) < 1 or left + width > columns or top + height > rows:
        raise Refused("a mask leaves its image.")
    if min(counts, default=-1) < 0 or max(counts) > width * height or sum(counts) != width * height:
        raise Refused("the runs of a mask do not fill its box.")
    values = np.arange(len(counts)) % 2 == 1
    mask = np.zeros((rows, columns), dtype=bool)
    mask[top : top + height, left : left + width] = np.repeat(values, counts).reshape(height, width)
    return mask
