"""What a SEG, SR or RTSTRUCT object says, before its images are known: plain values that leave the decoding child.

Coordinates are as the object tells them: SCOORD on a picture, or patient mm. Masks are cropped to what is set. Where an
archive de-identifies, nothing here is free text: names of types come from codes, people are pseudonyms.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused

MAX_MASK_BYTES: Final = 128 * 1024**2
MAX_FRAME_PIXELS: Final = 2**28
MAX_MARKS: Final = 5_000
MAX_POINTS: Final = 2_000_000
_LENGTH: Final = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class FoundPlane:
    """Size and place of a frame of an object: Image Position and Orientation (Patient), Pixel Spacing; empty if untold."""

    rows: int
    columns: int
    position: tuple[float, ...] = ()
    orientation: tuple[float, ...] = ()
    spacing: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask [rows, columns] of one bit a pixel: a body's worth of them stays in memory at once."""

    shape: tuple[int, int]
    bits: bytes

    @classmethod
    def of(cls, pixels: NDArray[np.bool_]) -> PackedMask:
        """The mask of these pixels."""
        return cls((int(pixels.shape[0]), int(pixels.shape[1])), np.packbits(pixels).tobytes())

    @property
    def pixels(self) -> NDArray[np.bool_]:
        """The mask as booleans, made anew."""
        rows, columns = self.shape
        packed = np.frombuffer(self.bits, dtype=np.uint8)
        return np.unpackbits(packed, count=rows * columns).astype(bool).reshape(rows, columns)


@dataclass(frozen=True, slots=True)
class FoundMask:
    """What a segment marks on one frame: `packed` lies at `corner` (row, column) of `plane`; the picture by UID if told."""

    plane: FoundPlane
    corner: tuple[int, int]
    packed: PackedMask
    sop_instance_uid: str = ""
    frame: int = 1

    @property
    def pixels(self) -> NDArray[np.bool_]:
        """The marked box as booleans, made anew."""
        return self.packed.pixels


@dataclass(frozen=True, slots=True)
class FoundShape:
    """A drawn shape: `graphic` as in SCOORD (PS3.3 C.18.6) or SCOORD3D (C.18.9); points have 2 or 3 coordinates."""

    graphic: str
    points: tuple[tuple[float, ...], ...]
    sop_instance_uid: str = ""
    frame: int = 1


@dataclass(frozen=True, slots=True)
class FoundMark:
    """One segment, measurement group or region of interest.

    `code` is (scheme, value, meaning). `kind` is a mark kind of ours where the object says it. `segment` refers to the mask
    in another object: its SOP Instance UID and the number of the segment.
    """

    finding: str
    code: tuple[str, str, str] = ("", "", "")
    number: int = 0
    tracking_uid: str = ""
    kind: str = ""
    masks: tuple[FoundMask, ...] = ()
    shapes: tuple[FoundShape, ...] = ()
    segment: tuple[str, int] | None = None
    attributes: dict[str, str | float] = field(default_factory=dict)
    score: float | None = None


@dataclass(frozen=True, slots=True)
class FoundMeasurement:
    """A measurement that says where it was taken: a kind of ours (length, bidirectional, angle, roi) and its points, SCOORD
    on a picture or patient mm; `text` is what its group calls it."""

    kind: str
    points: tuple[tuple[float, ...], ...]
    sop_instance_uid: str = ""
    frame: int = 1
    text: str = ""


@dataclass(frozen=True, slots=True)
class FoundObject:
    """All that one object says.

    `modality` is SEG, SR or RTSTRUCT; `images` are the SOP Instance UIDs that it speaks of, `evidence` others that it refers
    to, `series` the series. `verdict` is one of
    `backend.dicom.marked.VERDICTS`, or empty. `notes` tell what of it was not read, and why.
    """

    modality: str
    sop_instance_uid: str
    reader: str = ""
    frame_of_reference_uid: str = ""
    images: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    marks: tuple[FoundMark, ...] = ()
    measurements: tuple[FoundMeasurement, ...] = ()
    image_findings: dict[str, bool] = field(default_factory=dict)
    verdict: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FindingSettings:
    """How an object is read: the archive's key and profile, and the share from which a fractional pixel counts as marked."""

    key: str
    deid_profile: str = "none"
    threshold: float = 0.5

    @property
    def keeps_texts(self) -> bool:
        """Whether free texts and names may be kept."""
        return self.deid_profile == "none"


def cropped(mask: NDArray[np.bool_]) -> tuple[tuple[int, int], NDArray[np.bool_]] | None:
    """The corner of the box around what is set, and the box; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(columns[0])
    return (top, left), np.ascontiguousarray(mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1])


def encoded_object(found: FoundObject) -> bytes:
    """The object as bytes: a length, a JSON document, and the masks' bits. Refused where it is too big."""
    blob = [mask.packed.bits for mark in found.marks for mask in mark.masks]
    _check_limits(found, sum(len(bits) for bits in blob))
    document = json.dumps(asdict(found), default=_no_bits, separators=(",", ":"), allow_nan=False).encode()
    return b"".join([_LENGTH.pack(len(document)), document, *blob])


def _no_bits(value: Any) -> None:
    """The bits of masks follow the JSON; everything else in it must be plain."""
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} is no plain value")


def _check_limits(found: FoundObject, mask_bytes: int) -> None:
    points = sum(len(shape.points) for mark in found.marks for shape in mark.shapes)
    n_marks = len(found.marks) + len(found.measurements)
    if n_marks > MAX_MARKS:
        raise Refused(f"It holds {n_marks} marks; the limit is {MAX_MARKS}.")
    if points > MAX_POINTS:
        raise Refused(f"It holds {points} points; the limit is {MAX_POINTS}.")
    if mask_bytes > MAX_MASK_BYTES:
        raise Refused(f"Its masks take {mask_bytes >> 20} MB; the limit is {MAX_MASK_BYTES >> 20} MB.")


def decoded_object(data: bytes) -> FoundObject:
    """The object that `encoded_object` wrote; ValueError where the bytes are none of its."""
    (length,) = _LENGTH.unpack_from(data)
    document = json.loads(data[_LENGTH.size : _LENGTH.size + length])
    bits = memoryview(data)[_LENGTH.size + length :]
    marks = []
    offset = 0
    for mark in document.pop("marks"):
        masks = []
        for mask in mark.pop("masks"):
            rows, columns = mask.pop("packed")["shape"]
            size = -(-rows * columns // 8)
            packed = PackedMask((rows, columns), bytes(bits[offset : offset + size]))
            if len(packed.bits) != size or rows * columns > MAX_FRAME_PIXELS:
                raise ValueError("a mask is cut short or too large")
            offset += size
            top, left = mask.pop("corner")
            masks.append(FoundMask(FoundPlane(**_with_tuples(mask.pop("plane"))), (top, left), packed, **mask))
        shapes = [_decoded_shape(shape) for shape in mark.pop("shapes")]
        marks.append(FoundMark(masks=tuple(masks), shapes=tuple(shapes), **_with_tuples(mark)))
    # A kept object of an older version knows none.
    measurements = tuple(
        FoundMeasurement(points=_decoded_points(one.pop("points")), **one) for one in document.pop("measurements", ())
    )
    return FoundObject(marks=tuple(marks), measurements=measurements, **_with_tuples(document))


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON's lists as the tuples they were."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _decoded_shape(shape: dict[str, Any]) -> FoundShape:
    return FoundShape(points=_decoded_points(shape.pop("points")), **shape)


def _decoded_points(given: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    points = tuple(tuple(float(value) for value in point) for point in given)
    if not all(math.isfinite(value) for point in points for value in point):
        raise ValueError("a coordinate is not finite")
    return points


def with_uids(found: FoundObject, mapped: Callable[[str], str]) -> FoundObject:
    """The same object with every UID of images, series and frames of reference replaced."""

    def uid(value: str) -> str:
        return mapped(value) if value else ""

    def mark(one: FoundMark) -> FoundMark:
        return replace(
            one,
            tracking_uid=uid(one.tracking_uid),
            masks=tuple(replace(mask, sop_instance_uid=uid(mask.sop_instance_uid)) for mask in one.masks),
            shapes=tuple(replace(shape, sop_instance_uid=uid(shape.sop_instance_uid)) for shape in one.shapes),
            segment=(uid(one.segment[0]), one.segment[1]) if one.segment else None,
        )

    return replace(
        found,
        sop_instance_uid=uid(found.sop_instance_uid),
        frame_of_reference_uid=uid(found.frame_of_reference_uid),
        images=tuple(uid(one) for one in found.images),
        evidence=tuple(uid(one) for one in found.evidence),
        series=tuple(uid(one) for one in found.series),
        marks=tuple(mark(one) for one in found.marks),
        measurements=tuple(replace(one, sop_instance_uid=uid(one.sop_instance_uid)) for one in found.measurements),
    )
