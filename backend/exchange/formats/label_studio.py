"""Label Studio's JSON export: the annotations of each task, each a reading of who completed it.

Rectangles (a turned one becomes a polygon), ellipses, polygons, brush masks and key points; choices about the image become
findings of the image, choices and ratings about a region become its attributes. Predictions, drafts and skipped tasks are
not read. Places are percentages of the picture. Verified on specification fixtures only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import file_head, read_json
from backend.exchange.formats.family import Carries, Folder, ReadContext
from backend.exchange.formats.tool_shapes import ellipse_points, known_picture, picture_names, size_of, tilted

TITLE = "Label Studio (JSON)"
CARRIES = Carries(
    kinds=frozenset({"box", "ellipse", "polygon", "mask", "point"}),
    attributes=True,
    image_findings=True,
    no_lesion=True,
    volumes=False,
)
SPECIFICITY = 10
READ_IN_CHILD = True
_TASK_OPTION: Final = "task"
_SHAPES: Final = ("rectangle", "ellipse", "polygon", "brush", "keypoint")
_SAME_SHAPE: Final = 0.005
_MOST_PIXELS: Final = 200_000_000
Size = tuple[int, int]


def recognises(files: Folder) -> bool:
    """Whether a JSON file among them is a list of tasks with annotations."""
    return any(_is_export(files, name) for name in files)


def _is_export(files: Folder, name: str) -> bool:
    if not name.lower().endswith(".json"):
        return False
    head = file_head(files[name], 1 << 16)
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[") and b'"annotations"' in head and b'"completed_by"' in head


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading for each annotation; a task whose picture is not here waits, and the file with it."""
    for name in files:
        if not name.lower().endswith(".json") or not _is_export(files, name):
            continue
        tasks = read_json(files[name], name)
        for task in tasks if isinstance(tasks, list) else ():
            number = str(task.get("id", "")) if isinstance(task, dict) else ""
            if context.options.get(_TASK_OPTION, number) != number:
                continue
            try:
                yield from _task(name, number, task, context)
            except Refused as refusal:
                yield UnusableFile(f"{name}: task {number}", str(refusal))
            except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
                yield UnusableFile(f"{name}: task {number}", f"It is no task of Label Studio ({type(error).__name__}).")


def _task(name: str, number: str, task: Mapping[str, Any], context: ReadContext) -> Iterator[ForeignReading]:
    annotations = [one for one in task["annotations"] if not one.get("was_cancelled")]
    if not annotations:
        return
    names = picture_names(_address(task["data"]))
    picture, known = known_picture(context, names)
    source = f"{name}: task {number}"
    if known is None:
        images = [ImageReference(name=one) for one in names]
        kept = {_TASK_OPTION: number}
        yield ForeignReading(source, _reader(annotations[0]), images, keep_files=[name], keep_options=kept)
        return
    reference = ImageReference(name=picture)
    size = size_of(known)
    for annotation in annotations:
        lesions, findings = _annotation(annotation["result"], reference, size)
        yield ForeignReading(source, _reader(annotation), [reference], lesions, findings)


def _address(data: Mapping[str, Any]) -> str:
    """Where the task's picture lay: the field `image`, else the one field that is a text."""
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value}
    for key in ("image", "img", "picture"):
        if key in texts:
            return texts[key]
    if len(texts) != 1:
        raise Refused("It does not say which of its fields is the picture.")
    return next(iter(texts.values()))


def _reader(annotation: Mapping[str, Any]) -> str:
    by = annotation.get("completed_by")
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("username") or by.get("id")
    return f"Label Studio {by}" if isinstance(by, int) else str(by or "Label Studio")


def _annotation(
    results: Sequence[Mapping[str, Any]], reference: ImageReference, size: Size
) -> tuple[list[ForeignLesion], dict[str, bool]]:
    regions = {result.get("id") for result in results if result["type"] in _kinds()}
    attributes: dict[Any, dict[str, Any]] = {}
    findings: dict[str, bool] = {}
    for result in results:
        if result["type"] in _kinds() or result["type"] == "relation":
            continue
        words = _words(result)
        if result.get("id") in regions:
            attributes.setdefault(result.get("id"), {})[str(result["from_name"])] = ", ".join(words)
        elif result["type"] == "choices":
            findings |= dict.fromkeys(words, True)
        else:
            raise Refused(f"Answers of the kind {result['type']} are not read.")
    lesions = [
        _lesion(result, reference, size, attributes.get(result.get("id"), {}))
        for result in results
        if result["type"] in _kinds()
    ]
    return lesions, findings


def _kinds() -> tuple[str, ...]:
    return (*_SHAPES, *(f"{shape}labels" for shape in _SHAPES))


def _words(result: Mapping[str, Any]) -> list[str]:
    value = result["value"]
    given = value.get("choices") or value.get("text") or [value.get("rating") or value.get("number") or ""]
    return [str(one) for one in (given if isinstance(given, list) else [given])]


def _lesion(
    result: Mapping[str, Any], reference: ImageReference, size: Size, attributes: Mapping[str, Any]
) -> ForeignLesion:
    shape = str(result["type"]).removesuffix("labels")
    value = result["value"]
    labels = value.get(f"{shape}labels") or value.get("labels") or [""]
    if len(labels) != 1:
        raise Refused(f"A mark has {len(labels)} labels.")
    if result.get("image_rotation"):
        raise Refused(f"Its picture was turned by {result['image_rotation']} degrees.")
    _check_size((result["original_width"], result["original_height"]), size, exactly=shape == "brush")
    finding = str(labels[0])
    if shape == "brush":
        mask = _brush(value, size)
        return ForeignLesion(finding, "mask", masks=[(reference, mask)], attributes=attributes)
    kind, points = _points(shape, value, size)
    return ForeignLesion(finding, kind, reference, points, attributes=attributes)


def _check_size(said: tuple[float, float], size: Size, *, exactly: bool) -> None:
    """A picture may have been labelled smaller than it is here, but not in another shape."""
    same = said == size if exactly else abs(said[0] * size[1] - said[1] * size[0]) <= _SAME_SHAPE * said[0] * size[1]
    if not same or min(said) <= 0:
        raise Refused(f"It was labelled as {said[0]}×{said[1]} pixels, the image here has {size[0]}×{size[1]}.")


def _points(shape: str, value: Mapping[str, Any], size: Size) -> tuple[str, list[list[float]]]:
    def at(x: float, y: float) -> list[float]:
        return [_number(x) * size[0] / 100, _number(y) * size[1] / 100]

    if shape == "polygon":
        return "polygon", [at(*point) for point in value["points"]]
    x, y = at(value["x"], value["y"])
    turn = _number(value.get("rotation") or 0)
    if shape == "keypoint":
        return "point", [[x, y]]
    if shape == "ellipse":
        across, down = at(value["radiusX"], value["radiusY"])
        return "ellipse", ellipse_points(x, y, across, down, turn)
    width, height = at(value["width"], value["height"])
    if not turn:
        return "box", [[x, y], [x + width, y + height]]
    return "polygon", tilted([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], (x, y), turn)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused("A coordinate is no number.")
    return float(value)


def _brush(value: Mapping[str, Any], size: Size) -> NDArray[np.bool_]:
    columns, rows = size
    if value.get("format") != "rle" or rows * columns > _MOST_PIXELS:
        raise Refused("A brush mark is no run-length code.")
    packed = np.array(value["rle"], dtype=np.uint8)
    pixels = unpacked_rle(packed, rows * columns * 4)
    return pixels.reshape(rows, columns, 4)[..., 3] > 0


def unpacked_rle(packed: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """The bytes of a brush mark (rle-pack of thi.ng, as Label Studio writes it); Refused unless there are `count`.

    A header of 32 bits (how many), 5 (word size - 1) and 4 × 4 (sizes of run lengths - 1); then runs: 1 bit whether it
    repeats, 2 bits which size, the run length - 1, and one word or as many words as the run is long.
    """
    bits = _Bits(packed)
    if bits.take(32) != count:
        raise Refused("A brush mark has another size than its image.")
    word = bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    if word != 8:
        raise Refused(f"A brush mark has words of {word} bits.")
    values = np.zeros(count, dtype=np.uint8)
    done = 0
    while done < count:
        repeats = bits.take(1)
        end = done + 1 + bits.take(sizes[bits.take(2)])
        if end > count:
            raise Refused("The runs of a brush mark leave its image.")
        values[done:end] = bits.take(8) if repeats else bits.words(end - done)
        done = end
    return values


class _Bits:
    """Reads numbers of any width from bytes, the highest bit first; Refused at their end."""

    def __init__(self, packed: NDArray[np.uint8]) -> None:
        self._data = packed.tobytes()
        self._at = 0

    def take(self, width: int) -> int:
        start, end = self._at // 8, (self._at + width + 7) // 8
        if end > len(self._data):
            raise Refused("A brush mark ends too early.")
        whole = int.from_bytes(self._data[start:end], "big")
        self._at += width
        return (whole >> (end * 8 - self._at)) & ((1 << width) - 1)

    def words(self, count: int) -> NDArray[np.uint8]:
        """`count` words of 8 bits at any bit."""
        start, shift = divmod(self._at, 8)
        end = start + count + (1 if shift else 0)
        if end > len(self._data):
            raise Refused("A brush mark ends too early.")
        part = np.frombuffer(self._data[start:end], dtype=np.uint8).astype(np.uint16)
        self._at += 8 * count
        if not shift:
            return part.astype(np.uint8)
        return ((part[:-1] << shift | part[1:] >> (8 - shift)) & 255).astype(np.uint8)
