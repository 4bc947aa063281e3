"""CVAT for images 1.1 (XML): boxes, ellipses, polygons, masks and points of each image, their attributes, and tags.

An image without marks and tags may not have been looked at: it becomes no reading unless the option `empty=no_lesion` says
that it was. Tracks of videos, polylines, cuboids and skeletons are refused, image by image. Verified on specification
fixtures only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import file_head, read_xml
from backend.exchange.formats.family import Carries, Folder, ReadContext
from backend.exchange.formats.options import EMPTY
from backend.exchange.formats.tool_shapes import (
    cropped_runs,
    ellipse_points,
    known_picture,
    picture_names,
    size_of,
    tilted,
)

TITLE = "CVAT for images (XML 1.1)"
CARRIES = Carries(
    kinds=frozenset({"box", "ellipse", "polygon", "mask", "point"}), attributes=True, image_findings=True, volumes=False
)
SPECIFICITY = 10
READ_IN_CHILD = True
READ_OPTIONS = (EMPTY,)
_IMAGE_OPTION = "image"


def recognises(files: Folder) -> bool:
    """Whether an XML file among them is CVAT's."""
    return any(_is_cvat(files, name) for name in files)


def _is_cvat(files: Folder, name: str) -> bool:
    if not name.lower().endswith(".xml"):
        return False
    head = file_head(files[name])
    return b"<annotations>" in head and (b"<version>1.1</version>" in head or b"<image " in head)


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each image with marks or tags; one that is not here waits, and the file with it."""
    for name in files:
        if not name.lower().endswith(".xml") or not _is_cvat(files, name):
            continue
        try:
            root = read_xml(files[name], name)
            if root.find("track") is not None:
                raise Refused("It holds tracks of a video, which are not read; export it as CVAT for images.")
        except Refused as refusal:
            yield UnusableFile(name, str(refusal))
            continue
        for image in root.iter("image"):
            if context.options.get(_IMAGE_OPTION, image.get("name")) == image.get("name"):
                reading = _reading(name, image, context)
                if reading is not None:
                    yield reading


def _reading(name: str, image: Element, context: ReadContext) -> ForeignReading | UnusableFile | None:
    given = image.get("name", "")
    source = f"{name}: {given}"
    if not len(image) and EMPTY.of(context.options) != "no_lesion":
        return None
    names = picture_names(given)
    picture, known = known_picture(context, names)
    if known is None:
        images = [ImageReference(name=one) for one in names]
        return ForeignReading(source, context.reader, images, keep_files=[name], keep_options={_IMAGE_OPTION: given})
    reference = ImageReference(name=picture)
    try:
        size = size_of(known)
        said = (_whole(image, "width"), _whole(image, "height"))
        if size != said:
            raise Refused(f"The file says {said[0]}×{said[1]} pixels, {known.case_name} has {size[0]}×{size[1]}.")
        lesions = [lesion for mark in image if mark.tag != "tag" for lesion in _lesions(mark, reference, size)]
    except Refused as refusal:
        return UnusableFile(source, str(refusal))
    findings = {mark.get("label", ""): True for mark in image if mark.tag == "tag" and mark.get("label")}
    return ForeignReading(source, context.reader, [reference], lesions, findings)


def _lesions(mark: Element, reference: ImageReference, size: tuple[int, int]) -> list[ForeignLesion]:
    finding, attributes = mark.get("label", ""), _attributes(mark)
    if mark.tag == "mask":
        mask = cropped_runs(
            _counts(mark), [_whole(mark, key) for key in ("left", "top", "width", "height")], size[0], size[1]
        )
        return [ForeignLesion(finding, "mask", masks=[(reference, mask)], attributes=attributes)]
    if mark.tag == "points":
        return [ForeignLesion(finding, "point", reference, [point], attributes=attributes) for point in _points(mark)]
    kind, points = _shape(mark)
    return [ForeignLesion(finding, kind, reference, points, attributes=attributes)]


def _shape(mark: Element) -> tuple[str, list[list[float]]]:
    turn = _number(mark, "rotation") if mark.get("rotation") else 0.0
    if mark.tag == "box":
        left, top, right, bottom = (_number(mark, key) for key in ("xtl", "ytl", "xbr", "ybr"))
        if not turn:
            return "box", [[left, top], [right, bottom]]
        corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
        return "polygon", tilted(corners, ((left + right) / 2, (top + bottom) / 2), turn)
    if mark.tag == "ellipse":
        x, y, across, down = (_number(mark, key) for key in ("cx", "cy", "rx", "ry"))
        return "ellipse", ellipse_points(x, y, across, down, turn)
    if mark.tag == "polygon":
        return "polygon", _points(mark)
    raise Refused(f"Marks of the kind {mark.tag} are not read.")


def _points(mark: Element) -> list[list[float]]:
    try:
        points = [[float(value) for value in pair.split(",")] for pair in mark.get("points", "").split(";")]
    except ValueError as error:
        raise Refused("A point is no pair of numbers.") from error
    if any(len(point) != 2 or not all(map(math.isfinite, point)) for point in points):
        raise Refused("A point is no pair of numbers.")
    return points


def _counts(mark: Element) -> list[int]:
    try:
        return [int(count) for count in mark.get("rle", "").split(",")]
    except ValueError as error:
        raise Refused("The runs of a mask are no whole numbers.") from error


def _attributes(mark: Element) -> dict[str, str]:
    found = {one.get("name", ""): (one.text or "").strip() for one in mark if one.tag == "attribute" and one.get("name")}
    if mark.get("source", "manual") not in ("manual", "file"):
        found["Source"] = mark.get("source", "")  # marks of a model, accepted or not: CVAT does not say
    return found


def _number(element: Element, key: str) -> float:
    try:
        value = float(element.get(key, ""))
    except ValueError as error:
        raise Refused(f"The {key} of a {element.tag} is no number.") from error
    if not math.isfinite(value):
        raise Refused(f"The {key} of a {element.tag} is no number.")
    return value


def _whole(element: Element, key: str) -> int:
    return round(_number(element, key))
