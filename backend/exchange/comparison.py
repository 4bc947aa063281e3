"""Compares readings that came back from a round trip with those that went out: pixels, points, types, attributes, findings.

Only what the format carries (`Carries`) is compared; a format without volumes is compared slice by slice, one without
lesions of their own by the pixels of each type.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.exchange.export_selection import ExportCase, lesion_masks, lesions_of
from backend.exchange.formats.family import Carries
from backend.geometry.rasterise import OUTLINES
from backend.readings.models import Lesion, Reading, Verdict

TOLERANCE: Final = 0.01
"""Pixels by which a point may have moved."""
_MOST_LINES: Final = 200


@dataclass
class Proof:
    """What was compared, and every difference in words."""

    readings: int = 0
    lesions: int = 0
    voxels: int = 0
    furthest: float = 0.0
    changed: int = 0
    differences: list[str] = field(default_factory=list)
    n_differences: int = 0

    def differs(self, line: str) -> None:
        """Note a difference; the first ones in words, all of them by number."""
        self.n_differences += 1
        if len(self.differences) < _MOST_LINES:
            self.differences.append(line)


@dataclass(frozen=True)
class ReadingPair:
    """A reading as it is here and as it came back."""

    item: ExportCase
    reader: str
    original: Reading
    returned: Reading | None

    @property
    def where(self) -> str:
        """Which reading, in words."""
        return f"{self.item.case.name}, {self.reader}"


def compare_reading(
    proof: Proof, carries: Carries, pair: ReadingPair, names: tuple[Mapping[int, str], Mapping[int, str]]
) -> None:
    """Compare one reading; `names` of the finding types here and there, by id."""
    proof.readings += 1
    original, returned = pair.original, pair.returned
    lesions = lesions_of(original)
    if returned is None:
        said = any(value in _SAID for value in original.image_findings.values())
        is_statement = original.verdict in (Verdict.NO_LESION, Verdict.NOT_READABLE)
        carried = bool(lesions) or (carries.no_lesion if is_statement else carries.image_findings and said)
        has_place = bool(pair.item.case.series.frame_of_reference_uid) or not carries.needs_space
        if carried and has_place:
            proof.differs(f"{pair.where}: the reading did not come back.")
        return
    is_empty = original.verdict in (Verdict.NO_LESION, Verdict.NOT_READABLE)
    if carries.no_lesion and is_empty and not lesions and returned.verdict != original.verdict:
        proof.differs(f"{pair.where}: the verdict {original.verdict} came back as {returned.verdict}.")
    if carries.image_findings:
        before = {names[0].get(int(key), key): value for key, value in original.image_findings.items() if value in _SAID}
        after = {names[1].get(int(key), key): value for key, value in returned.image_findings.items()}
        if before != after:
            proof.differs(f"{pair.where}: findings of the image {before} came back as {after}.")
    _compare_measurements(proof, carries, pair.where, original, returned)
    if carries.slices_read and returned.slices_read != original.slices_read:
        proof.differs(
            f"{pair.where}: the slices looked at, {_told(original.slices_read)}, came back as {_told(returned.slices_read)}."
        )
    proof.lesions += len(lesions)
    if carries.instances:
        _compare_lesions(proof, carries, pair, lesions)
    else:
        _compare_types(proof, carries, pair, lesions)


def _compare_measurements(proof: Proof, carries: Carries, where: str, original: Reading, returned: Reading) -> None:
    """Each measurement of a kind that is kept against the nearest that came back; ids are given anew."""
    kept = [one for one in original.measurements if one["kind"] in carries.measurements]
    left = [one for one in returned.measurements if one["kind"] in carries.measurements]
    for measured in kept:
        same = [one for one in left if all(one[key] == measured[key] for key in _MEASURED)]
        moved = [float(np.abs(np.subtract(one["points"], measured["points"])).max()) for one in same]
        if not moved or min(moved) > TOLERANCE:
            proof.differs(f"{where}: its measurements did not come back as they were ({measured['kind']}).")
            continue
        proof.furthest = max(proof.furthest, min(moved))
        left.remove(same[moved.index(min(moved))])
    for one in left:
        proof.differs(f"{where}: a measurement came back that did not go out ({one['kind']}).")


def _told(ranges: Sequence[Sequence[int]] | None) -> str:
    return "not recorded" if ranges is None else ", ".join(f"{first} to {last}" for first, last in ranges) or "none"


_SAID: Final = ("present", "absent")
_MEASURED: Final = ("sop_instance_uid", "frame", "kind", "text")


@dataclass(eq=False)
class _Mark:
    """A lesion, or a slice of one, as it is compared: the pixels of each picture (cropped to their box), and its points."""

    name: str
    kind: str
    points: NDArray[np.float64]
    frame: int
    pixels: dict[int, tuple[tuple[int, int], NDArray[np.bool_]]]
    attributes: dict[str, Any]
    code: tuple[str, str]
    described: str

    @property
    def digest(self) -> str:
        """Equal for equal pixels on equal pictures."""
        digest = hashlib.sha256()
        for index in sorted(self.pixels):
            corner, mask = self.pixels[index]
            digest.update(repr((index, corner, mask.shape)).encode() + np.packbits(mask).tobytes())
        return digest.hexdigest()

    @property
    def voxels(self) -> int:
        """Pixels over all pictures."""
        return sum(int(mask.sum()) for _, mask in self.pixels.values())


def _marks(lesions: Sequence[Lesion], item: ExportCase, carries: Carries) -> Iterator[_Mark]:
    """The lesions as this format could bring them back: whole, or slice by slice where it knows no volumes."""
    for lesion in lesions:
        pixels = {frame.index: _cropped(mask) for frame, mask in lesion_masks(lesion, item.frames) if mask.any()}
        groups = [pixels] if carries.volumes else [{index: one} for index, one in pixels.items()]
        for group in groups:
            first = min(group)
            yield _Mark(
                name=lesion.finding_type.name, kind=lesion.kind, points=np.array(lesion.points, dtype=float), frame=first,
                pixels=group, attributes=lesion.attributes,
                code=(lesion.finding_type.code_scheme, lesion.finding_type.code_value),
                described=f"{lesion.finding_type.name} ({lesion.kind}) on picture {first + 1}",
            )  # fmt: skip


def _cropped(mask: NDArray[np.bool_]) -> tuple[tuple[int, int], NDArray[np.bool_]]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return (top, left), mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]


def _compare_lesions(proof: Proof, carries: Carries, pair: ReadingPair, lesions: Sequence[Lesion]) -> None:
    """Each lesion against one that came back of its type; each is used once."""
    assert pair.returned is not None
    left = list(_marks(lesions_of(pair.returned), pair.item, carries))
    for mark in _marks(lesions, pair.item, carries):
        proof.voxels += mark.voxels
        same = [one for one in left if one.name == mark.name]
        scored = [(_deviation(mark, one, carries), place) for place, one in enumerate(same)]
        # Of equal geometry the one with equal attributes first: two boxes in one place may differ in nothing else.
        scored.sort(key=lambda entry: (entry[0], same[entry[1]].attributes != mark.attributes))
        if not scored or scored[0][0] > TOLERANCE:
            near = f"; the nearest differs by {scored[0][0]:.3g}" if scored else "; none of its type is left"
            proof.differs(f"{pair.where}: {mark.described} did not come back as it was{near}.")
            continue
        proof.furthest = max(proof.furthest, scored[0][0])
        one = same[scored[0][1]]
        left.remove(one)
        if carries.attributes and one.attributes != mark.attributes:
            proof.differs(f"{pair.where}: attributes {mark.attributes} of {mark.described} came back as {one.attributes}.")
        if carries.codes and one.code != mark.code:
            proof.differs(f"{pair.where}: the code {mark.code} of {mark.described} came back as {one.code}.")
    for one in left:
        proof.differs(f"{pair.where}: {one.described} came back and did not go out.")


def _deviation(mark: _Mark, found: _Mark, carries: Carries) -> float:
    """Greatest distance of points in pixels where the format keeps the kind or makes a box, else pixels that differ."""
    if mark.kind != "mask" and mark.kind in carries.kinds:
        if found.kind != mark.kind or found.frame != mark.frame or found.points.shape != mark.points.shape:
            return float("inf")
        return float(np.abs(_ordered(found) - _ordered(mark)).max())
    if carries.others_become == "polygon" and mark.kind in OUTLINES and found.points.shape == mark.points.shape:
        # An outline through the centres of pixels: the last digit decides on which side they lie, the points tell the truth.
        return float(np.abs(found.points - mark.points).max()) if found.frame == mark.frame else float("inf")
    if carries.others_become == "box" and mark.kind not in carries.kinds:
        if found.kind != "box" or found.frame != mark.frame:
            return float("inf")
        return float(np.abs(_ordered(found) - _bounds(mark)).max())
    if mark.kind == "mask" and "mask" in carries.kinds and found.kind != "mask":
        return float("inf")
    return 0.0 if found.digest == mark.digest else float(_differing(mark, found))


def _ordered(mark: _Mark) -> NDArray[np.float64]:
    """A box by its low and high corner, whichever two were given."""
    if mark.kind == "box":
        return np.array([mark.points.min(axis=0), mark.points.max(axis=0)])
    return mark.points


def _bounds(mark: _Mark) -> NDArray[np.float64]:
    """[[left, top], [right, bottom]] of a mark on its picture: of its points where it is a box, else of its pixels."""
    (top, left), mask = mark.pixels[mark.frame]
    return np.array([[left, top], [left + mask.shape[1], top + mask.shape[0]]], dtype=float)


def _differing(mark: _Mark, found: _Mark) -> int:
    count = 0
    for index in mark.pixels.keys() | found.pixels.keys():
        count += int((_on_canvas(mark, found, index, mark) ^ _on_canvas(mark, found, index, found)).sum())
    return max(count, 1)


def _on_canvas(one: _Mark, other: _Mark, index: int, shown: _Mark) -> NDArray[np.bool_]:
    """One of two marks on the smallest canvas that holds both on a picture."""
    ends = [
        (corner[0] + mask.shape[0], corner[1] + mask.shape[1])
        for corner, mask in (mark.pixels[index] for mark in (one, other) if index in mark.pixels)
    ]
    canvas = np.zeros((max(end[0] for end in ends), max(end[1] for end in ends)), dtype=bool)
    if index in shown.pixels:
        (top, left), mask = shown.pixels[index]
        canvas[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return canvas


def _compare_types(proof: Proof, carries: Carries, pair: ReadingPair, lesions: Sequence[Lesion]) -> None:
    """The pixels of each type on each picture; where types cannot overlap, those that only one of them marks."""
    assert pair.returned is not None
    before, after = _pixels_by_type(lesions, pair.item), _pixels_by_type(lesions_of(pair.returned), pair.item)
    shared: dict[int, NDArray[np.bool_]] = {}
    if not carries.overlaps:
        for index in {index for _, index in before}:
            masks = [mask for (_, at), mask in before.items() if at == index]
            shared[index] = np.sum(masks, axis=0) > 1
    for key in sorted(before.keys() | after.keys()):
        name, index = key
        frame = pair.item.frames[index]
        empty = np.zeros((frame.rows, frame.columns), dtype=bool)
        mask = before.get(key, empty)
        proof.voxels += int(mask.sum())
        wrong = mask ^ after.get(key, empty)
        if index in shared:
            wrong &= ~shared[index]
        if wrong.any():
            proof.differs(f"{pair.where}: {int(wrong.sum())} pixels of {name} on picture {index + 1} differ.")


def _pixels_by_type(lesions: Sequence[Lesion], item: ExportCase) -> dict[tuple[str, int], NDArray[np.bool_]]:
    found: dict[tuple[str, int], NDArray[np.bool_]] = {}
    for lesion in lesions:
        for frame, mask in lesion_masks(lesion, item.frames):
            if mask.any():
                key = (lesion.finding_type.name, frame.index)
                found[key] = found[key] | mask if key in found else mask
    return found
