"""How a child process that reads a foreign file and its parent speak: each message is msgpack of one of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ImageFrame
from backend.exchange.foreign import (
    Code,
    ForeignLesion,
    ForeignMeasurement,
    ForeignReading,
    ImageReference,
    SlicesRead,
    UnusableFile,
)
from backend.exchange.formats.family import KnownImages
from backend.geometry.rasterise import crop_mask, paste_mask
from backend.geometry.rle import decode_mask, encode_mask

_MOST_PIXELS = 2**33
"""Of all masks of one reading, empty ones included; they cost memory only where something is marked."""
Value = str | int | float | bool | None


class Question(msgspec.Struct, tag=True, array_like=True):
    """The child asks for the images of a name, of a UID or (`reference`) of both."""

    by_uid: bool
    value: str
    reference: ImageReference | None = None


class Opened(msgspec.Struct, tag=True, array_like=True):
    """The child has opened a file."""

    name: str


class Unusable(msgspec.Struct, tag=True, array_like=True):
    """A file that could not be used; `rest`: nothing more can be read at all."""

    source: str
    reason: str
    rest: bool = False


class Answer(msgspec.Struct, tag=True, array_like=True):
    """What a call gave: names."""

    names: list[str]


class Done(msgspec.Struct, tag=True, array_like=True):
    """There is no more."""


class _Mask(msgspec.Struct, array_like=True):
    image: ImageReference
    size: tuple[int, int]
    origin: tuple[int, int]
    shape: tuple[int, int]
    runs: bytes


class _Lesion(msgspec.Struct, array_like=True):
    finding: str
    kind: str
    image: ImageReference | None
    points: list[list[float]]
    masks: list[_Mask]
    code: Code
    attributes: dict[str, Value]
    score: float | None


class Reading(msgspec.Struct, tag=True, array_like=True):
    """A `ForeignReading`."""

    source: str
    reader: str
    images: list[ImageReference]
    lesions: list[_Lesion]
    image_findings: dict[str, bool]
    complete: bool
    readable: bool
    keep_files: list[str]
    keep_options: dict[str, str]
    measurements: list[ForeignMeasurement] = []
    slices_read: SlicesRead | None = None


class Images(msgspec.Struct, array_like=True):
    """The parent's answer: `KnownImages`, or nothing."""

    case_name: str
    frames: list[ImageFrame]
    affine: list[list[float]] | None
    asked: ImageFrame | None
    positions: list[float]
    is_hung: bool


Message = Question | Opened | Unusable | Answer | Done | Reading
encoded = msgspec.msgpack.Encoder(enc_hook=lambda value: _plain(value)).encode
decoded_message = msgspec.msgpack.Decoder(Message).decode
decoded_images = msgspec.msgpack.Decoder(Images | None).decode


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's; whatever else is no message."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no part of a reading")


def reading_message(reading: ForeignReading) -> Reading:
    """A reading as a message."""
    return Reading(
        reading.source,
        reading.reader,
        list(reading.images),
        [_lesion(lesion) for lesion in reading.lesions],
        dict(reading.image_findings),
        reading.complete,
        reading.readable,
        list(reading.keep_files),
        dict(reading.keep_options),
        list(reading.measurements),
        reading.slices_read,
    )


def _lesion(lesion: ForeignLesion) -> _Lesion:
    return _Lesion(
        lesion.finding,
        lesion.kind,
        lesion.image,
        [[float(value) for value in point] for point in lesion.points],
        [_mask(image, mask) for image, mask in lesion.masks],
        lesion.code,
        dict(lesion.attributes),
        None if lesion.score is None else float(lesion.score),
    )


def _mask(image: ImageReference, mask: NDArray[np.bool_]) -> _Mask:
    size = (mask.shape[0], mask.shape[1])
    if not mask.any():
        return _Mask(image, size, (0, 0), (0, 0), b"")
    origin, cut = crop_mask(mask[None])
    return _Mask(image, size, (origin[1], origin[2]), (cut.shape[1], cut.shape[2]), encode_mask(cut[0]))


def reading_of_message(message: Reading) -> ForeignReading | UnusableFile:
    """The reading that a message holds."""
    try:
        _check_pixels(message)
        lesions = [_foreign_lesion(lesion) for lesion in message.lesions]
    except (Refused, ValueError) as reason:
        return UnusableFile(message.source, str(reason) if isinstance(reason, Refused) else "Damaged: its masks contradict.")
    return ForeignReading(
        message.source,
        message.reader,
        message.images,
        lesions,
        message.image_findings,
        message.complete,
        message.readable,
        message.keep_files,
        message.keep_options,
        measurements=message.measurements,
        slices_read=message.slices_read,
    )


def _check_pixels(message: Reading) -> None:
    if sum(mask.size[0] * mask.size[1] for lesion in message.lesions for mask in lesion.masks) > _MOST_PIXELS:
        raise Refused("Its masks are too large.")


def _foreign_lesion(lesion: _Lesion) -> ForeignLesion:
    return ForeignLesion(
        lesion.finding,
        lesion.kind,
        lesion.image,
        lesion.points,
        [(mask.image, _pixels(mask)) for mask in lesion.masks],
        lesion.code,
        lesion.attributes,
        lesion.score,
    )


def _pixels(mask: _Mask) -> NDArray[np.bool_]:
    rows, columns = mask.size
    if not mask.runs:
        return np.zeros((rows, columns), dtype=bool)
    cut = decode_mask(mask.runs, mask.shape)[None]
    return paste_mask(mask=cut, origin=(0, *mask.origin), frame=0, rows=rows, columns=columns)


def images_message(known: KnownImages | None) -> Images | None:
    """Images as a message."""
    if known is None:
        return None
    affine = None if known.affine is None else known.affine.tolist()
    return Images(known.case_name, list(known.frames), affine, known.asked, list(known.positions), known.is_hung)


def images_of_message(message: Images | None) -> KnownImages | None:
    """The images that a message holds."""
    if message is None:
        return None
    affine = None if message.affine is None else np.array(message.affine)
    return KnownImages(message.case_name, message.frames, affine, message.asked, message.positions, message.is_hung)


def names(values: Sequence[str]) -> Answer:
    """Names as a message."""
    return Answer(list(values))
