"""The files of YOLO datasets: a folder per reader with `data.yaml`, a text file per picture, and where pictures lie.

Written as Ultralytics reads them: `images/<split>/…` beside `labels/<split>/…`, a row per lesion, coordinates as shares of
the picture's size. An empty text file says that there is no lesion.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final

import yaml
from django.utils.text import slugify

from backend.dicom.refusal import Refused
from backend.exchange.case_names import tail_of, without_extension
from backend.exchange.export_selection import ExportCase, ImageFrame, lesions_of
from backend.exchange.foreign import ForeignLesion, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import damage_of, read_json, read_text
from backend.exchange.formats.family import Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.pictures import png_bytes
from backend.readings.models import Lesion, Reading, Verdict

PLACES: Final = {"POOL": "train", "VALIDATION": "val", "HOLDOUT": "test", "EMBARGOED": "embargoed"}
YAML: Final = "data.yaml"
PICTURES: Final = "pictures.json"
_MAX_YAML_BYTES: Final = 4 * 1024**2

Rows = Callable[[Lesion, ExportCase], Iterator[tuple[ImageFrame, list[float]]]]
"""The numbers after the class, in pixels turned into shares, for each picture that a lesion touches."""


@dataclass
class _Dataset:
    """One reader's folder, as far as it is written."""

    reader: str
    pictures: IO[bytes]
    count: int = 0
    not_readable: list[str] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)


def write_dataset(export: Export, rows: Rows) -> Iterator[ExportFile]:
    """The folders of all readers, case by case; pictures, where they go alongside, in each reader's folder."""
    classes = {one.pk: number for number, one in enumerate(one for one in export.finding_types if one.scope == "lesion")}
    names = [one.name for one in export.finding_types if one.scope == "lesion"]
    datasets: dict[str, _Dataset] = {}
    try:
        for item in export.cases:
            for reading in item.readings:
                name = export.reader_names[reading.reader_id]
                folder = f"{reading.reader_id}-{slugify(name)}".rstrip("-")
                if folder not in datasets:
                    datasets[folder] = _Dataset(name, tempfile.TemporaryFile())  # noqa: SIM115 - closed below
                yield from _case_files(export, datasets[folder], folder, item, reading, classes, rows)
        for folder, dataset in datasets.items():
            yield ExportFile(f"{folder}/{YAML}", [_description(dataset, names)])
            yield ExportFile(f"{folder}/{PICTURES}", _closed(dataset))
    finally:
        for dataset in datasets.values():
            dataset.pictures.close()


def _case_files(
    export: Export,
    dataset: _Dataset,
    folder: str,
    item: ExportCase,
    reading: Reading,
    classes: Mapping[int, int],
    rows: Rows,
) -> Iterator[ExportFile]:
    lesions = lesions_of(reading)
    if reading.verdict == Verdict.NOT_READABLE:
        dataset.not_readable.append(item.case.name)
    elif not lesions and reading.verdict != Verdict.NO_LESION:
        return  # it speaks of the image as a whole only, which this format cannot say
    elif export.label_kind(reading) != "full" and lesions:
        dataset.incomplete.append(item.case.name)
    place = PLACES[item.case.split]
    lines: dict[int, list[str]] = {frame.index: [] for frame in item.frames}
    for lesion in lesions:
        for frame, numbers in rows(lesion, item):
            shares = (value / (frame.rows if at % 2 else frame.columns) for at, value in enumerate(numbers))
            text = " ".join(f"{share:.10g}" for share in shares)
            lines[frame.index].append(f"{classes[lesion.finding_type_id]} {text}\n")
    for frame in item.frames:
        name = f"{place}/{item.picture_name(frame)}"
        entry = {"picture": name, "sop_instance_uid": frame.sop_instance_uid, "frame": frame.number, "case": item.case.name}
        dataset.pictures.write((b",\n" if dataset.count else b"[\n") + json.dumps(entry).encode())
        dataset.count += 1
        if reading.verdict != Verdict.NOT_READABLE:
            yield ExportFile(f"{folder}/labels/{name}.txt", ["".join(lines[frame.index]).encode()])
        if export.pictures:
            yield ExportFile(f"{folder}/images/{name}.png", [png_bytes(export.rendered(frame))], is_image=True)


def _description(dataset: _Dataset, names: list[str]) -> bytes:
    """`data.yaml`; what is not Ultralytics' is passed over by it."""
    document = {
        "path": ".",
        **{place: f"images/{place}" for place in ("train", "val", "test")},
        "names": dict(enumerate(names)),
        "reader": dataset.reader,
        "not_readable": dataset.not_readable,
        "incomplete": dataset.incomplete,
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False).encode()


def _closed(dataset: _Dataset) -> Iterator[bytes]:
    """The list of pictures, also where none was written."""
    dataset.pictures.seek(0)
    yield b"" if dataset.count else b"["
    while piece := dataset.pictures.read(1 << 20):
        yield piece
    yield b"\n]\n"


def recognises(files: Folder) -> bool:
    """Whether there are label files and a description of their classes."""
    return bool(_roots(files)) and any("labels/" in f"/{name}" and name.lower().endswith(".txt") for name in files)


def _roots(files: Folder) -> list[str]:
    """Names of the descriptions: YAML files with class names."""
    found = []
    for name in files:
        if name.lower().endswith((".yaml", ".yml")) and files[name].stat().st_size <= _MAX_YAML_BYTES:
            try:
                document = yaml.safe_load(read_text(files[name], name))
            except (yaml.YAMLError, Refused, RecursionError):
                continue
            if isinstance(document, dict) and isinstance(document.get("names"), dict | list):
                found.append(name)
    return found


def read_dataset(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """A reading per label file; those of one case and reader are joined where they are attached."""
    for description in _roots(files):
        yield from _Reader(files, context, description).readings()


class _Reader:
    """Reads the label files below one description."""

    def __init__(self, files: Folder, context: ReadContext, description: str) -> None:
        document = yaml.safe_load(read_text(files[description], description))
        names = document["names"]
        self._files, self._context, self._description = files, context, description
        self._names = {int(key): str(name) for key, name in (names.items() if isinstance(names, dict) else enumerate(names))}
        self._base = description[: -len(tail_of(description))]
        self._reader = str(document.get("reader") or context.reader)
        self._not_readable = {str(name) for name in document.get("not_readable") or ()}
        self._incomplete = {str(name) for name in document.get("incomplete") or ()}
        self._known = self._pictures()

    def _pictures(self) -> dict[str, dict[str, Any]]:
        """Where the pictures lie in DICOM, where the dataset says so, by the picture's name without extension."""
        name = self._base + PICTURES
        found = read_json(self._files[name], name) if name in self._files else []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise Refused(f"{name} is no list of pictures.")
        return {str(one.get("picture")): one for one in found}

    def readings(self) -> Iterator[ForeignReading | UnusableFile]:
        """All of them."""
        for name in list(self._files):
            if not name.startswith(f"{self._base}labels/") or not name.lower().endswith(".txt"):
                continue
            try:
                yield self._reading(name)
            except (Refused, ValueError) as error:
                yield UnusableFile(name, damage_of(error))
        for case in self._not_readable:
            images = [self._reference(one) for one in self._known.values() if str(one.get("case")) == case]
            if images:
                yield ForeignReading(f"{self._description}: {case}", self._reader, images, readable=False)

    def _reading(self, name: str) -> ForeignReading:
        picture = without_extension(name.removeprefix(f"{self._base}labels/"))
        entry = self._known.get(picture)
        reference = self._reference(entry) if entry is not None else ImageReference(name=picture)
        known = self._context.find(reference)
        if known is None:
            kept = [name, self._description, *([self._base + PICTURES] if entry is not None else [])]
            return ForeignReading(name, self._reader, [reference], keep_files=kept)
        frame = known.asked
        if frame is None:
            raise Refused(f"It does not say which picture of {known.case_name} it is about.")
        lesions = [self._lesion(line, number, frame) for number, line in self._lines(name)]
        case = str(entry.get("case")) if entry is not None else ""
        place = ImageReference(frame.sop_instance_uid, frame.number)
        return ForeignReading(name, self._reader, [place], lesions, complete=case not in self._incomplete)

    def _lines(self, name: str) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(read_text(self._files[name], name).splitlines(), start=1):
            if line.strip():
                yield number, line

    def _lesion(self, line: str, number: int, frame: ImageFrame) -> ForeignLesion:
        values = [float(value) for value in line.split()]
        key, numbers = int(values[0]), values[1:]
        if key not in self._names:
            raise Refused(f"Line {number} names class {key}, which {self._description} does not list.")
        place = ImageReference(frame.sop_instance_uid, frame.number)
        if len(numbers) in (4, 5):
            across, down = numbers[2] * frame.columns / 2, numbers[3] * frame.rows / 2
            column, row = numbers[0] * frame.columns, numbers[1] * frame.rows
            corners = [[column - across, row - down], [column + across, row + down]]
            score = numbers[4] if len(numbers) == 5 else None
            return ForeignLesion(self._names[key], "box", place, corners, score=score)
        if len(numbers) < 6 or len(numbers) % 2:
            raise Refused(f"Line {number} has {len(numbers)} numbers: neither a box nor an outline.")
        points = [[numbers[at] * frame.columns, numbers[at + 1] * frame.rows] for at in range(0, len(numbers), 2)]
        return ForeignLesion(self._names[key], "polygon", place, points)

    def _reference(self, entry: Mapping[str, Any]) -> ImageReference:
        picture = str(entry.get("picture", ""))
        return ImageReference(str(entry.get("sop_instance_uid", "")), int(entry.get("frame", 1)), f"images/{picture}.png")
