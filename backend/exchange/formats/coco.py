"""COCO detection JSON: exact pixels as run lengths or polygons, and all else of a reading in fields beside COCO's own.

The format is that of cocodataset.org. What its annotations cannot say (who marked, with what kind of mark, which slices are
one lesion, who saw nothing) stands in extra fields that COCO tools pass over. Read back, those fields are believed; in a
document of other programs an annotation is a lesion of its own, and an image without one says nothing unless the option
`empty=no_lesion` says so.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import IO, Any, Final

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from backend.dicom.refusal import Refused
from backend.exchange.coco import (
    bounding_box,
    mask_of_runs,
    polygon_segmentation,
    rle_segmentation,
    runs_of_string,
)
from backend.exchange.export_selection import ExportCase, ImageFrame, lesion_masks, lesions_of
from backend.exchange.foreign import Code, ForeignLesion, ForeignMeasurement, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import damage_of, file_head, read_json
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, ReadContext
from backend.exchange.formats.looked_at import slices_entry, slices_of
from backend.exchange.formats.measured import foreign_measurement, measurement_entry
from backend.exchange.formats.options import EMPTY, FormatOption
from backend.exchange.formats.pictures import picture_files
from backend.geometry.measurements import POINTS as MEASUREMENT_POINTS
from backend.geometry.rasterise import rasterise_outlines
from backend.projects.models import FindingType
from backend.readings.models import Lesion, Reading

TITLE: Final = "COCO"
READ_IN_CHILD = True
READ_OPTIONS: Final = (EMPTY,)
SEGMENTATION: Final = FormatOption(
    "segmentation", "choice", "rle: run lengths; polygon: borders of the pixels, run lengths where there is a hole.",
    ("rle", "polygon"), "rle", costs={"polygon": "Lesions with a hole stay run lengths: a polygon cannot leave it out."},
)  # fmt: skip
WRITE_OPTIONS: Final = (SEGMENTATION,)
CARRIES: Final = Carries(
    kinds=frozenset({"box", "ellipse", "polygon", "freehand", "mask", "point"}),
    attributes=True,
    image_findings=True,
    no_lesion=True,
    codes=True,
    measurements=frozenset(MEASUREMENT_POINTS),
    slices_read=True,
)
FILE: Final = "annotations.json"
_PIECE: Final = 1 << 20


@dataclass
class _Sections:
    """The parts of the document that grow case by case, each in a file of its own until all cases were seen."""

    images: IO[bytes]
    readings: IO[bytes]
    annotations: IO[bytes]
    readers: dict[int, dict[str, Any]] = field(default_factory=dict)
    n_images: int = 0
    n_readings: int = 0
    n_annotations: int = 0


def write(export: Export) -> Iterator[ExportFile]:
    """The document, and with `pictures` every picture of every case read, also of those without a lesion."""
    form = SEGMENTATION.of(export.options)
    with tempfile.TemporaryFile() as images, tempfile.TemporaryFile() as readings, tempfile.TemporaryFile() as annotations:
        sections = _Sections(images, readings, annotations)
        for item in export.cases:
            _add_case(sections, export, item, form)
            yield from picture_files(export, item)
        yield ExportFile(FILE, _pieces(export, sections))


def _add_case(sections: _Sections, export: Export, item: ExportCase, form: str) -> None:
    names = {one.pk: one.name for one in export.finding_types if one.scope == "image"}
    ids: dict[int, int] = {}
    for frame in item.frames:
        sections.n_images += 1
        ids[frame.index] = sections.n_images
        _append(sections.images, sections.n_images, _image(sections.n_images, item, frame))
    for reading in item.readings:
        reader = reading.reader
        sections.readers.setdefault(
            reader.pk, {"id": reader.pk, "kind": reader.kind, "name": export.reader_names[reader.pk]}
        )
        sections.n_readings += 1
        _append(sections.readings, sections.n_readings, _reading(export, item, reading, names))
        for lesion in lesions_of(reading):
            for frame, mask in lesion_masks(lesion, item.frames):
                if mask.any():
                    sections.n_annotations += 1
                    entry = _annotation(sections.n_annotations, ids[frame.index], reading, lesion, mask, form)
                    _append(sections.annotations, sections.n_annotations, entry)


def _append(section: IO[bytes], number: int, entry: dict[str, Any]) -> None:
    section.write((",\n" if number > 1 else "\n").encode() + _text(entry).encode())


def _pieces(export: Export, sections: _Sections) -> Iterator[bytes]:
    yield f'{{"info": {_text(_info(export))}, "licenses": []'.encode()
    categories = [_category(one) for one in export.finding_types if one.scope == "lesion"]
    yield f', "categories": {_text(categories)}'.encode()
    yield f', "readers": {_text([sections.readers[pk] for pk in sorted(sections.readers)])}'.encode()
    parts = (("images", sections.images), ("readings", sections.readings), ("annotations", sections.annotations))
    for name, section in parts:
        yield f', "{name}": ['.encode()
        section.seek(0)
        while piece := section.read(_PIECE):
            yield piece
        yield b"]"
    yield b"}\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _info(export: Export) -> dict[str, Any]:
    now, project = timezone.now(), export.project
    return {
        "description": project.name,
        "version": "1.0",
        "year": now.year,
        "contributor": "Overread",
        "date_created": now.isoformat(timespec="seconds"),
        "project": project.slug,
        "question": project.question,
        "modality": project.modality,
        "unit": project.unit,
        "synthetic": project.synthetic,
        "vocabulary_version": project.vocabulary_version,
        "coordinates": "column, row in pixels; 0,0 is the top-left corner of the image (DICOM PS3.3 C.18.6.1.1)",
    }


def _category(finding_type: FindingType) -> dict[str, Any]:
    code = {"scheme": finding_type.code_scheme, "value": finding_type.code_value, "meaning": finding_type.code_meaning}
    return {"id": finding_type.pk, "name": finding_type.name, "supercategory": "lesion", "code": code}


def _image(number: int, item: ExportCase, frame: ImageFrame) -> dict[str, Any]:
    return {
        "id": number,
        "width": frame.columns,
        "height": frame.rows,
        "file_name": f"{item.picture_name(frame)}.png",
        "case": item.case.name,
        "case_id": str(item.case.pk),
        "split": item.case.split,
        "sop_instance_uid": frame.sop_instance_uid,
        "frame": frame.number,
        "index": frame.index,
    }


def _reading(export: Export, item: ExportCase, reading: Reading, names: Mapping[int, str]) -> dict[str, Any]:
    findings = {names[int(key)]: value for key, value in reading.image_findings.items() if int(key) in names}
    return {
        "id": str(reading.pk),
        "case": item.case.name,
        "case_id": str(item.case.pk),
        "split": item.case.split,
        "reader_id": reading.reader_id,
        "verdict": reading.verdict,
        "verdict_reason": reading.verdict_reason,
        "image_findings": findings,
        "measurements": [measurement_entry(one, item.frames) for one in reading.measurements],
        "label_kind": export.label_kind(reading),
        **slices_entry(item, reading),
        "vocabulary_version": reading.vocabulary_version,
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else None,
        "revealed_at": reading.revealed_at.isoformat() if reading.revealed_at else None,
    }


def _annotation(
    number: int, image_id: int, reading: Reading, lesion: Lesion, mask: NDArray[np.bool_], form: str
) -> dict[str, Any]:
    polygons = polygon_segmentation(mask) if form == "polygon" else None
    return {
        "id": number,
        "image_id": image_id,
        "category_id": lesion.finding_type_id,
        "segmentation": polygons if polygons is not None else rle_segmentation(mask),
        "area": int(mask.sum()),
        "bbox": bounding_box(mask),
        "iscrowd": 0,
        "lesion_id": str(lesion.pk),
        "reading_id": str(reading.pk),
        "reader_id": reading.reader_id,
        "mark": {"kind": lesion.kind, "points": lesion.points},
        "drawn_as": lesion.drawn_as,
        "prompted": lesion.prompted,
        "attributes": lesion.attributes,
        "score": lesion.score,
        "origin": lesion.origin,
        "origin_score": lesion.origin_score,
        "moved_pixels": lesion.moved_pixels,
        "look": lesion.look,
    }


def recognises(files: Folder) -> bool:
    """Whether a JSON file among them has COCO's three lists."""
    return any(_is_coco(files, name) for name in files if name.lower().endswith(".json"))


def _is_coco(files: Folder, name: str) -> bool:
    path = files[name]
    if b"{" not in file_head(path, 64):
        return False
    with path.open("rb") as file:
        # The lists may begin anywhere; their names are looked for, nothing is parsed twice.
        wanted, tail = {b'"images"', b'"annotations"', b'"categories"'}, b""
        while wanted and (piece := file.read(_PIECE)):
            text = tail + piece
            wanted = {word for word in wanted if word not in text}
            tail = piece[-20:]
    return not wanted


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """The readings of every COCO document among the files."""
    for name in files:
        if name.lower().endswith(".json") and _is_coco(files, name):
            try:
                yield from _document(name, read_json(files[name], name), context)
            except Refused as refusal:
                yield UnusableFile(name, str(refusal))


def _document(source: str, document: Any, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    lists = {key: _dicts(source, document, key) for key in ("images", "annotations", "categories")}
    images = {_key(source, image): image for image in lists["images"]}
    categories = {_key(source, one): (str(one.get("name", "")), _code(one.get("code"))) for one in lists["categories"]}
    own = _dicts(source, document, "readings") if "readings" in document else []
    by_reading: dict[str, list[dict[str, Any]]] = defaultdict(list)
    by_image: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    known = {str(reading.get("id")) for reading in own}
    for annotation in lists["annotations"]:
        if annotation.get("image_id") not in images:
            yield UnusableFile(source, f"Annotation {annotation.get('id')} names image {annotation.get('image_id')}, "
                                       "which the file does not list.")  # fmt: skip
        elif str(annotation.get("reading_id")) in known:
            by_reading[str(annotation["reading_id"])].append(annotation)
        else:
            by_image[annotation["image_id"]].append(annotation)
    yield from _own_readings(source, document, own, by_reading, images, categories)
    empty = EMPTY.of(context.options)
    for key, image in images.items():
        found = by_image.get(key, [])
        if found or (empty == "no_lesion" and not own):
            yield _of_image(source, image, found, categories, context.reader)


def _own_readings(
    source: str,
    document: Mapping[str, Any],
    own: Sequence[dict[str, Any]],
    annotations: Mapping[str, list[dict[str, Any]]],
    images: Mapping[Any, dict[str, Any]],
    categories: Mapping[Any, tuple[str, Code]],
) -> Iterator[ForeignReading | UnusableFile]:
    readers = {one.get("id"): str(one.get("name", "")) for one in _dicts(source, document, "readers")}
    of_case: dict[str, list[ImageReference]] = defaultdict(list)
    for image in images.values():
        of_case[str(image.get("case_id") or image.get("case"))].append(_reference(image))
    for reading in own:
        case = str(reading.get("case_id") or reading.get("case"))
        findings = reading.get("image_findings") or {}
        try:
            yield ForeignReading(
                source=f"{source}: {reading.get('case', case)}",
                reader=readers.get(reading.get("reader_id")) or "Imported labels",
                images=of_case[case],
                lesions=_whole_lesions(annotations.get(str(reading.get("id")), []), images, categories),
                image_findings={str(key): value == "present" for key, value in findings.items() if isinstance(value, str)},
                complete=reading.get("label_kind", "full") == "full",
                readable=reading.get("verdict") != "not_readable",
                slices_read=slices_of(reading),
                measurements=[_foreign_measurement(one, of_case[case]) for one in reading.get("measurements") or ()],
            )
        except (Refused, KeyError, TypeError, ValueError) as error:
            yield UnusableFile(source, f"The reading of {reading.get('case')}: {damage_of(error)}")


def _foreign_measurement(given: Mapping[str, Any], images: Sequence[ImageReference]) -> ForeignMeasurement:
    place = (str(given["sop_instance_uid"]), int(given["frame"]))
    image = next((one for one in images if (one.sop_instance_uid, one.frame) == place), None)
    if image is None:
        raise Refused("a measurement lies on a picture that the file does not list.")
    return foreign_measurement(given, image)


def _whole_lesions(
    annotations: Iterable[dict[str, Any]],
    images: Mapping[Any, dict[str, Any]],
    categories: Mapping[Any, tuple[str, Code]],
) -> list[ForeignLesion]:
    """Annotations of one `lesion_id` are one lesion over several slices."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for annotation in annotations:
        groups[str(annotation.get("lesion_id") or annotation.get("id"))].append(annotation)
    return [_lesion(group, images, categories) for group in groups.values()]


def _of_image(
    source: str,
    image: dict[str, Any],
    annotations: Sequence[dict[str, Any]],
    categories: Mapping[Any, tuple[str, Code]],
    reader: str,
) -> ForeignReading | UnusableFile:
    reference = _reference(image)
    try:
        lesions = [_lesion([annotation], {annotation.get("image_id"): image}, categories) for annotation in annotations]
    except (Refused, KeyError, TypeError, ValueError) as error:
        return UnusableFile(source, f"The annotations of {reference.name or reference.sop_instance_uid}: {damage_of(error)}")
    return ForeignReading(f"{source}: {reference.name}", reader, [reference], lesions)


def _lesion(
    group: Sequence[dict[str, Any]], images: Mapping[Any, dict[str, Any]], categories: Mapping[Any, tuple[str, Code]]
) -> ForeignLesion:
    first = group[0]
    finding, code = categories.get(first.get("category_id"), ("", Code()))
    image = images[first["image_id"]]
    score = first.get("score")
    mark = first.get("mark") or {}
    kind, points = str(mark.get("kind") or ""), mark.get("points") or []
    lesion = ForeignLesion(
        finding=finding,
        kind=kind or "mask",
        code=code,
        attributes=dict(first.get("attributes") or {}),
        score=float(score) if isinstance(score, int | float) else None,
    )
    if kind and kind != "mask":
        return replace(lesion, image=_reference(image), points=points)
    segmentation = first.get("segmentation")
    if not segmentation:
        left, top, width, height = (float(value) for value in first["bbox"])
        corners = [[left, top], [left + width, top + height]]
        return replace(lesion, kind="box", image=_reference(image), points=corners)
    if not kind and isinstance(segmentation, list) and len(segmentation) == 1:
        return replace(lesion, kind="polygon", image=_reference(image), points=_pairs(segmentation[0]))
    masks = [(_reference(images[one["image_id"]]), _pixels(one["segmentation"], images[one["image_id"]])) for one in group]
    return replace(lesion, masks=masks)


def _pixels(segmentation: Any, image: Mapping[str, Any]) -> NDArray[np.bool_]:
    rows, columns = int(image["height"]), int(image["width"])
    if not (0 < rows <= 65535 and 0 < columns <= 65535):
        raise Refused(f"its image has {rows}×{columns} pixels")
    if isinstance(segmentation, list):
        return rasterise_outlines([_pairs(one) for one in segmentation], rows=rows, columns=columns)
    if [int(extent) for extent in segmentation["size"]] != [rows, columns]:
        raise Refused(f"a mask of {segmentation['size']} on an image of {rows}×{columns}")
    counts = segmentation["counts"]
    runs = runs_of_string(counts) if isinstance(counts, str) else [int(run) for run in counts]
    if any(run < 0 for run in runs) or sum(runs) != rows * columns:
        raise Refused("a mask whose run lengths do not fill its image")
    return mask_of_runs(runs, rows, columns)


def _pairs(numbers: Sequence[float]) -> list[list[float]]:
    if len(numbers) % 2 or len(numbers) < 6:
        raise Refused("a polygon is at least three pairs of numbers")
    return [[float(numbers[place]), float(numbers[place + 1])] for place in range(0, len(numbers), 2)]


def _reference(image: Mapping[str, Any]) -> ImageReference:
    uid = str(image.get("sop_instance_uid") or "")
    name = str(image.get("file_name") or "")
    return ImageReference(sop_instance_uid=uid, frame=int(image.get("frame") or 1), name=name)


def _code(code: Any) -> Code:
    if not isinstance(code, Mapping):
        return Code()
    return Code(*(str(code.get(name) or "") for name in ("scheme", "value", "meaning")))


def _dicts(source: str, document: Any, name: str) -> list[dict[str, Any]]:
    found = document.get(name, []) if isinstance(document, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refused(f"{source} is no COCO document: {name} is no list of objects.")
    return found


def _key(source: str, entry: Mapping[str, Any]) -> Any:
    key = entry.get("id")
    if not isinstance(key, int | str):
        raise Refused(f"{source} is no COCO document: an entry has no id.")
    return key
