"""Volumes of labels (NIfTI, NRRD) in the grid of a case: turned, mirrored and placed, never resampled; and their lesions.

Such a file has its own order of axes and its own place in space. Ours is [frame, row, column] with an affine to LPS
millimetres (`Export.affine`). A volume whose voxels are not those of the case's grid is refused, for what lies between two
voxels would be invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.dicom.refusal import Refused
from backend.exchange.case_names import without_extension, without_mask_ending
from backend.exchange.export_selection import ExportCase, ImageFrame
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference
from backend.exchange.formats.family import KnownImages, ReadContext
from backend.exchange.formats.options import CASE
from backend.geometry.rasterise import paste_mask

MAX_VOXELS: Final = 300_000_000
_MOST_LESIONS: Final = 500
_TOLERANCE: Final = 0.02
"""Share of a voxel by which a grid may be off: headers keep single precision."""


@dataclass(frozen=True)
class LabelVolume:
    """Voxels [i, j, k] in a file's own order, the affine of their indices to LPS mm (None: the file does not say)."""

    voxels: NDArray[Any]
    affine: NDArray[np.float64] | None


def in_grid(volume: LabelVolume, known: KnownImages) -> NDArray[Any]:
    """The voxels as [frame, row, column] of a case; Refused where they are not its voxels."""
    frames = known.frames
    if len({(frame.rows, frame.columns) for frame in frames}) > 1:
        raise Refused(f"The pictures of {known.case_name} differ in size: they are no grid.")
    shape = (len(frames), frames[0].rows, frames[0].columns)
    voxels = volume.voxels if volume.voxels.ndim == 3 else volume.voxels.reshape(*volume.voxels.shape[:2], -1)
    if volume.affine is None and known.is_hung:
        raise Refused(
            f"It does not say where it lies in the patient, and {known.case_name} was turned by what its own file says."
        )
    if known.affine is None or volume.affine is None:
        if voxels.shape != shape[::-1]:
            raise Refused(_other(voxels.shape[::-1], known, shape))
        return voxels.transpose(2, 1, 0)
    to_ours = np.linalg.inv(known.affine) @ volume.affine
    turned = np.rint(to_ours[:3, :3])
    is_turn = all(np.array_equal(np.abs(turned).sum(axis=axis), np.ones(3)) for axis in (0, 1))
    if not is_turn or np.abs(to_ours[:3, :3] - turned).max() * max(shape) > 0.5:
        raise Refused(f"Its voxels are not those of {known.case_name}: another direction or spacing. Nothing is resampled.")
    axes = [int(np.flatnonzero(turned[row])[0]) for row in range(3)]
    placed = voxels.transpose(axes)
    flips = [int(turned[row, axes[row]]) for row in range(3)]
    placed = placed[tuple(slice(None, None, flip) for flip in flips)]
    last = np.array(voxels.shape) - 1
    start = to_ours[:3, 3] + np.minimum(to_ours[:3, :3] * last, 0).sum(axis=1)
    if np.abs(start - np.rint(start)).max() > _TOLERANCE * 5:
        raise Refused(f"Its voxels lie between those of {known.case_name}. Nothing is resampled.")
    return _laid(placed, np.rint(start).astype(int), shape, known)


def _laid(placed: NDArray[Any], start: NDArray[np.int64], shape: Sequence[int], known: KnownImages) -> NDArray[Any]:
    """A part of the grid, laid at its place in it; what is marked must not lie outside."""
    if tuple(placed.shape) == tuple(shape) and not start.any():
        return placed
    whole = np.zeros(shape, dtype=placed.dtype)
    low, high = np.maximum(start, 0), np.minimum(start + placed.shape, shape)
    if (low >= high).any():
        raise Refused(_other(placed.shape, known, shape))
    inside = tuple(slice(int(a), int(b)) for a, b in zip(low - start, high - start, strict=True))
    whole[tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))] = placed[inside]
    if np.count_nonzero(placed) != np.count_nonzero(whole):
        raise Refused(f"It marks voxels outside {known.case_name}.")
    return whole


def _other(found: Sequence[int], known: KnownImages, shape: Sequence[int]) -> str:
    sizes = ["×".join(str(extent) for extent in one) for one in (found, shape)]
    return f"It has {sizes[0]} voxels, {known.case_name} {sizes[1]}."


def labels_of(voxels: NDArray[Any]) -> NDArray[np.uint16]:
    """Voxels as whole labels; Refused for values that are none (probabilities, images)."""
    if voxels.dtype.kind == "f":
        if not np.isfinite(voxels).all() or not np.array_equal(voxels, np.rint(voxels)):
            raise Refused("Its values are no whole numbers: it is an image or a probability, not a volume of labels.")
    elif voxels.dtype.kind not in "biu":
        raise Refused(f"Its values are of kind {voxels.dtype}: no labels.")
    if voxels.size and (voxels.min() < 0 or voxels.max() > 65535):
        raise Refused("Its values lie outside 0 to 65535: they are no labels.")
    return voxels.astype(np.uint16)


def lesions_of_labels(
    labels: NDArray[np.uint16], names: Mapping[int, str], known: KnownImages, *, apart: bool
) -> Iterator[ForeignLesion]:
    """A lesion per label, or (`apart`) per connected part of it; corners touch, across slices, too."""
    boxes = {value: box for value, box in enumerate(ndimage.find_objects(labels), start=1) if box is not None}
    if len(boxes) > _MOST_LESIONS:
        raise Refused(f"It has {len(boxes)} labels; is it a volume of labels?")
    for value, box in boxes.items():
        finding = names.get(value, f"Label {value}")
        mask = labels[box] == value
        corner = [int(side.start) for side in box]
        if not apart:
            yield ForeignLesion(finding, "mask", masks=_placed(mask, corner, known.frames))
            continue
        numbered, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
        if count > _MOST_LESIONS:
            raise Refused(f"{finding} falls into {count} parts; is it a mask?")
        for number, part in enumerate(ndimage.find_objects(numbered), start=1):
            start = [at + int(side.start) for at, side in zip(corner, part, strict=True)]
            yield ForeignLesion(finding, "mask", masks=_placed(numbered[part] == number, start, known.frames))


def _placed(
    part: NDArray[np.bool_], corner: Sequence[int], frames: Sequence[ImageFrame]
) -> list[tuple[ImageReference, NDArray[np.bool_]]]:
    """A part of the grid that begins at `corner` as masks of whole pictures."""
    found = []
    for offset in np.flatnonzero(part.any(axis=(1, 2))).tolist():
        frame = frames[corner[0] + offset]
        mask = paste_mask(mask=part, origin=corner, frame=corner[0] + offset, rows=frame.rows, columns=frame.columns)
        found.append((ImageReference(frame.sop_instance_uid, frame.number), mask))
    return found


def picture_masks(volume: NDArray[np.bool_], frames: Sequence[ImageFrame]) -> list[tuple[ImageReference, NDArray[np.bool_]]]:
    """A mask [frame, row, column] as masks of the pictures that it touches."""
    return [
        (ImageReference(frames[index].sop_instance_uid, frames[index].number), volume[index])
        for index in np.flatnonzero(volume.any(axis=(1, 2))).tolist()
    ]


def names_of_case(name: str, context: ReadContext) -> list[str]:
    """What the case of a volume may be called: as the option `case` says, else the file's name, with and without `_seg`."""
    given = CASE.of(context.options)
    if given:
        return [given]
    stem = without_extension(name)
    bare = without_mask_ending(stem)
    return [stem, bare] if bare and bare != stem else [stem]


def case_of_file(name: str, context: ReadContext) -> KnownImages | None:
    """The case that a volume's name speaks of."""
    return next((known for one in names_of_case(name, context) if (known := context.by_name(one)) is not None), None)


def waiting(name: str, context: ReadContext) -> ForeignReading:
    """A volume whose images are not here: it is kept until a case of one of its names is."""
    images = [ImageReference(name=one) for one in names_of_case(name, context)]
    return ForeignReading(name, context.reader, images, keep_files=[name])


def volume_of_masks(item: ExportCase, masks: Sequence[tuple[ImageFrame, NDArray[np.bool_]]]) -> NDArray[np.bool_]:
    """Masks of pictures as one array [frame, row, column] of the case's grid."""
    first = item.frames[0]
    volume = np.zeros((len(item.frames), first.rows, first.columns), dtype=bool)
    for frame, mask in masks:
        volume[frame.index] = mask
    return volume


def is_grid(item: ExportCase) -> bool:
    """Whether all pictures of a case have one size, so that they make a volume."""
    return len({(frame.rows, frame.columns) for frame in item.frames}) == 1
