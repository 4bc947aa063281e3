"""Marks of a DICOM object on the pictures of this project: by SOP Instance UID, checked by geometry; else by geometry alone.

A frame of a segmentation need not have the grid of its image: it is laid on it where rows and columns fall on rows and
columns (turned, mirrored, a part of it), and refused where it would have to be resampled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.found import FoundMark, FoundMask, FoundMeasurement, FoundObject, FoundShape, PackedMask
from backend.dicom.marked import SCHEME
from backend.dicom.refusal import Refused
from backend.dicom.volumes import Plane
from backend.exchange.export_selection import ImageFrame
from backend.exchange.foreign import Code, ForeignLesion, ForeignMeasurement, ImageReference
from backend.exchange.formats.dicom_grid import CaseSpace, mask_plane, on_grid
from backend.exchange.formats.family import KnownImages, ObjectContext, ReadContext
from backend.geometry.marks import MAX_POINTS, TOLERANCE
from backend.geometry.patient import FramePlane, patient_to_image
from backend.geometry.rasterise import rasterise_outlines

_MOST_TILT: Final = 0.045
"""The sine of the angle of a measured line to its slice: at most so it is at most a thousandth longer than on the slice."""
_OVERSTEP: Final = 0.5
"""Pixels that an outline which becomes pixels may reach over the border of its image: no pixel's centre lies there."""

Outline = Sequence[Sequence[float]]


class ImagesMissing(Exception):
    """A picture that a mark lies on is not here."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """Pixels of a picture: a box of them at a corner (row, column)."""

    reference: ImageReference
    size: tuple[int, int]
    corner: tuple[int, int]
    packed: PackedMask


class LaidMasks(Sequence[tuple[ImageReference, NDArray[np.bool_]]]):
    """Masks by picture, each made in the picture's full size only while it is looked at."""

    def __init__(self, laid: Sequence[_Laid]) -> None:
        self._laid = laid

    def __len__(self) -> int:
        return len(self._laid)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return LaidMasks(self._laid[index])
        one = self._laid[index]
        image = np.zeros(one.size, dtype=bool)
        rows, columns = one.packed.shape
        image[one.corner[0] : one.corner[0] + rows, one.corner[1] : one.corner[1] + columns] = one.packed.pixels
        return one.reference, image


@dataclass(frozen=True, slots=True)
class _Place:
    """A picture of a case, and an outline on it as SCOORD points."""

    known: KnownImages
    frame: ImageFrame
    points: Outline

    @property
    def reference(self) -> ImageReference:
        """The picture as a lesion names it."""
        return ImageReference(self.frame.sop_instance_uid, self.frame.number)

    def reaches_over(self, most: float) -> bool:
        """Whether the outline leaves the image by more than so many pixels."""
        points = np.asarray(self.points)
        size = np.array([self.frame.columns, self.frame.rows])
        return bool((points < -most).any() or (points > size + most).any())


class Placer:
    """Lays the marks of one object on pictures."""

    def __init__(self, found: FoundObject, context: ReadContext, objects: ObjectContext) -> None:
        self._found, self._context, self._objects = found, context, objects
        self._candidates: list[KnownImages] | None = None
        self._spaces: dict[str, CaseSpace] = {}

    def lesions(self, mark: FoundMark) -> Iterator[ForeignLesion]:
        """The lesions that a mark is; ImagesMissing where a picture that it needs is not here."""
        if mark.masks:
            yield _lesion(mark, kind="mask", masks=LaidMasks([self._laid(mask) for mask in mark.masks]))
            return
        flat = [shape for shape in mark.shapes if len(shape.points[0]) == 2]
        deep = [shape for shape in mark.shapes if len(shape.points[0]) == 3]
        if len(flat) > 1:
            yield from self._volume(mark, [self._on_picture(shape) for shape in flat])
        elif flat:
            yield self._drawn(mark, flat[0])
        if deep:
            yield from self._in_space(mark, deep)

    def measurements(self, one: FoundMeasurement) -> list[ForeignMeasurement]:
        """A measurement on its picture, which need not be here yet; one in patient mm on the nearest of each case, two
        diameters on two slices each for itself. None where it lies across slices: there it would measure something else."""
        if len(one.points[0]) == 2:
            uids = self._found.images
            uid = one.sop_instance_uid or (uids[0] if len(uids) == 1 else "")
            if not uid:
                raise Refused("A measurement does not say on which image it lies.")
            return [ForeignMeasurement(one.kind, ImageReference(uid, one.frame), one.points, one.text)]
        places = [place for place in self._near(FoundShape("POLYLINE", one.points, one.sop_instance_uid, one.frame))
                  if self._is_along(one, place)]  # fmt: skip
        if not places and one.kind == "bidirectional":
            axes = (replace(one, kind="length", points=axis) for axis in (one.points[:2], one.points[2:]))
            return [measured for axis in axes for measured in self.measurements(axis)]
        return [ForeignMeasurement(one.kind, place.reference, place.points, one.text) for place in places]

    def _is_along(self, one: FoundMeasurement, place: _Place) -> bool:
        """Whether a measurement lies in its picture, and so flat that it measures there what it does in space."""
        plane = self._space(place.known).planes[place.frame.index]
        assert plane is not None
        points = np.array(one.points)
        _, off = patient_to_image(points, _frame_plane(plane))
        lines = [(0, 1), (2, 3)] if one.kind == "bidirectional" else list(pairwise(range(len(points))))
        flat = all(abs(off[a] - off[b]) <= _MOST_TILT * np.linalg.norm(points[a] - points[b]) for a, b in lines)
        return flat and not place.reaches_over(TOLERANCE)

    def _laid(self, mask: FoundMask) -> _Laid:
        known, frame = self._picture_of(mask)
        reference = ImageReference(frame.sop_instance_uid, frame.number)
        plane, own = mask_plane(mask), self._space(known).planes[frame.index]
        size = (frame.rows, frame.columns)
        if plane is not None and own is not None:
            return _Laid(reference, size, *on_grid(mask, plane, own))
        if (mask.plane.rows, mask.plane.columns) != size:
            told = f"{mask.plane.rows}×{mask.plane.columns}"
            raise Refused(f"A segmentation of {told} pixels does not lie on its image of {frame.rows}×{frame.columns}.")
        return _Laid(reference, size, mask.corner, mask.packed)

    def _picture_of(self, mask: FoundMask) -> tuple[KnownImages, ImageFrame]:
        """By UID if the picture lies where the frame does; else the picture of the series that does."""
        plane = mask_plane(mask)
        named = self._objects.locate(mask.sop_instance_uid, mask.frame) if mask.sop_instance_uid else None
        if named is not None:
            space = self._space(named[0])
            if plane is None or space.planes[named[1].index] is None or space.holds(named[1].index, plane):
                return named
        if plane is None or (mask.sop_instance_uid and named is None):
            raise ImagesMissing
        options = [named[0]] if named is not None else self._known()
        for known in options:
            index = self._space(known).picture_of(plane)
            if index is not None:
                return known, known.frames[index]
        if options:
            raise Refused("A frame of it lies where no picture of its series does.")
        raise ImagesMissing

    def _space(self, known: KnownImages) -> CaseSpace:
        if known.case_name not in self._spaces:
            self._spaces[known.case_name] = CaseSpace(self._objects.planes(known))
        return self._spaces[known.case_name]

    def _known(self) -> list[KnownImages]:
        """Cases that the object may be of: of its images, else of its series, else of its frame of reference."""
        if self._candidates is None:
            uids = (*self._found.images, *self._found.evidence)
            located = [found[0] for uid in uids if (found := self._objects.locate(uid, 1)) is not None]
            located = located or [one for uid in self._found.series if (one := self._context.by_uid(uid)) is not None]
            located = located or list(self._objects.in_space(self._found.frame_of_reference_uid))
            self._candidates = list({known.case_name: known for known in located}.values())
        return self._candidates

    def _drawn(self, mark: FoundMark, shape: FoundShape) -> ForeignLesion:
        """A shape on one picture, which need not be here yet."""
        uids = self._found.images
        uid = shape.sop_instance_uid or (uids[0] if len(uids) == 1 else "")
        if not uid:
            raise Refused("A region does not say on which image it lies.")
        kind, points = _mark_of(mark.kind, shape.graphic, shape.points)
        return _lesion(mark, kind=kind, image=ImageReference(uid, shape.frame), points=points)

    def _on_picture(self, shape: FoundShape) -> _Place:
        found = self._objects.locate(shape.sop_instance_uid, shape.frame)
        if found is None:
            raise ImagesMissing
        return _Place(*found, _outline(shape))

    def _in_space(self, mark: FoundMark, shapes: Sequence[FoundShape]) -> Iterator[ForeignLesion]:
        """Shapes in patient mm: outlines make one mark a case, each point is a mark of its own. One ellipse stays one: what
        were its axes are conjugate diameters where pixels are no squares."""
        areas: dict[str, list[_Place]] = {}
        ellipses: dict[str, _Place] = {}
        for shape in shapes:
            for place in self._through(shape):
                if shape.graphic == "POINT":
                    yield _lesion(mark, kind="point", image=place.reference, points=place.points)
                    continue
                if shape.graphic == "ELLIPSE":
                    ellipses[place.known.case_name] = place
                    place = replace(place, points=_ellipse_outline(place.points))
                areas.setdefault(place.known.case_name, []).append(place)
        for case_name, own in areas.items():
            if len(own) == 1 and case_name in ellipses and not own[0].reaches_over(TOLERANCE):
                drawn = ellipses[case_name]
                yield _lesion(mark, kind="ellipse", image=drawn.reference, points=drawn.points)
                continue
            alone = len(own) == 1 and len(own[0].points) <= MAX_POINTS and not own[0].reaches_over(TOLERANCE)
            if alone and mark.kind not in ("mask", "ellipse"):
                kind, points = _mark_of(mark.kind, "POLYGON", own[0].points)
                yield _lesion(mark, kind=kind, image=own[0].reference, points=points)
            else:
                yield from self._volume(mark, own)

    def _through(self, shape: FoundShape) -> list[_Place]:
        """As `_near`; Refused where there is none."""
        if shape.graphic not in ("POINT", "POLYLINE", "POLYGON", "ELLIPSE"):
            raise Refused(f"A region in space of type {shape.graphic} is not supported.")
        found = self._near(shape)
        if not found:
            raise Refused("A region lies where no picture of its frame of reference does.")
        return found

    def _near(self, shape: FoundShape) -> list[_Place]:
        """The pictures that a shape lies on: the one it names, else the nearest of each case of its space."""
        named = self._objects.locate(shape.sop_instance_uid, shape.frame) if shape.sop_instance_uid else None
        if shape.sop_instance_uid and named is None:
            raise ImagesMissing
        options = [named[0]] if named is not None else self._known()
        if not options:
            raise ImagesMissing
        nearest = [self._nearest(shape, known, named[1] if named is not None else None) for known in options]
        return [place for place in nearest if place is not None]

    def _nearest(self, shape: FoundShape, known: KnownImages, frame: ImageFrame | None) -> _Place | None:
        """The shape on the picture it names or is nearest to, None where it lies further off than half a gap or outside."""
        space = self._space(known)
        points = np.array(shape.points)
        index = frame.index if frame is not None else int(np.argmin(space.distances(points.mean(axis=0))))
        plane = space.planes[index]
        if plane is None:
            return None
        flat, off = patient_to_image(points, _frame_plane(plane))
        place = _Place(known, known.frames[index], [[float(column), float(row)] for column, row in flat])
        if np.abs(off).max() > space.gap * 0.51 or (frame is None and place.reaches_over(_OVERSTEP)):
            return None
        return place

    def _volume(self, mark: FoundMark, outlines: Sequence[_Place]) -> Iterator[ForeignLesion]:
        """Outlines of one mark as pixels; on one picture an outline inside another is a hole. Nothing if none is marked."""
        by_picture: dict[ImageReference, list[_Place]] = {}
        for place in outlines:
            if place.reaches_over(_OVERSTEP):
                raise Refused("An outline of it lies partly outside of its image.")
            by_picture.setdefault(place.reference, []).append(place)
        laid = []
        for reference, places in by_picture.items():
            size = (places[0].frame.rows, places[0].frame.columns)
            mask = rasterise_outlines([place.points for place in places], rows=size[0], columns=size[1])
            if mask.any():
                laid.append(_Laid(reference, size, (0, 0), PackedMask.of(mask)))
        if laid:
            yield _lesion(mark, kind="mask", masks=LaidMasks(laid))


def _frame_plane(plane: Plane) -> FramePlane:
    return FramePlane(plane.origin, (*plane.along_row, *plane.along_column), (plane.row_spacing, plane.column_spacing))


def _mark_of(kind: str, graphic: str, points: Outline) -> tuple[str, list[list[float]]]:
    """Kind and points of a mark of ours for a shape (PS3.3 C.18.6.1.2); a circle is an ellipse of two equal diameters."""
    given = [[float(value) for value in point] for point in points]
    if graphic == "POINT":
        return "point", given
    if graphic == "CIRCLE":
        (column, row), edge = given[0], given[1]
        radius = float(np.hypot(edge[0] - column, edge[1] - row))
        across = [[column - radius, row], [column + radius, row]]
        return "ellipse", [*across, [column, row - radius], [column, row + radius]]
    if graphic == "ELLIPSE":
        return "ellipse", given
    if kind == "box":
        low, high = np.min(given, axis=0), np.max(given, axis=0)
        if all(np.abs(np.array([point, point]) - [low, high]).min(axis=0).max() < 1e-3 for point in given):
            return "box", [[float(value) for value in low], [float(value) for value in high]]
    return ("freehand" if kind == "freehand" else "polygon"), given


def _outline(shape: FoundShape) -> Outline:
    """A shape on a picture as a closed outline; ellipses as 72 points."""
    kind, points = _mark_of("", shape.graphic, shape.points)
    if kind != "ellipse":
        return points
    return _ellipse_outline(points)


def _ellipse_outline(points: Outline) -> Outline:
    array = np.array(points)
    centre, first, second = array.mean(axis=0), (array[1] - array[0]) / 2, (array[3] - array[2]) / 2
    turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)[:, None]
    return [[float(c), float(r)] for c, r in centre + np.cos(turn) * first + np.sin(turn) * second]


def _lesion(mark: FoundMark, **where: Any) -> ForeignLesion:
    scheme, value, meaning = mark.code
    code = Code() if scheme == SCHEME else Code(scheme, value, meaning)
    return ForeignLesion(finding=mark.finding, code=code, attributes=dict(mark.attributes), score=mark.score, **where)
