"""CSV: one row a lesion, with everything of it, masks included; a reading without a lesion has a row of its own.

No cell is taken for a formula by a spreadsheet: a text that begins like one gets an apostrophe before it, which is taken off
when the table is read back.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from backend.archive.store import get_object
from backend.dicom.refusal import Refused
from backend.exchange.export_selection import ExportCase, ImageFrame, lesion_masks, lesions_of, review_of
from backend.exchange.foreign import Code, ForeignLesion, ForeignMeasurement, ForeignReading, ImageReference, UnusableFile
from backend.exchange.formats.documents import damage_of, file_head, read_rows
from backend.exchange.formats.family import Carries, Export, ExportFile, Folder, KnownImages, ReadContext
from backend.exchange.formats.looked_at import slices_entry, slices_of
from backend.exchange.formats.measured import foreign_measurement, measured_frame, measurement_entry
from backend.exchange.formats.pictures import picture_files
from backend.exchange.spreadsheet_cells import as_it_was, harmless
from backend.geometry.measurements import POINTS as MEASUREMENT_POINTS
from backend.geometry.rasterise import paste_mask
from backend.geometry.rle import blob_key, decode_mask, decode_runs
from backend.projects.models import FindingType
from backend.readings.models import Lesion, MarkKind, Reading

TITLE: Final = "CSV table"
READ_IN_CHILD = True
CARRIES: Final = Carries(
    kinds=frozenset({"box", "ellipse", "polygon", "freehand", "mask", "point"}),
    attributes=True,
    image_findings=True,
    no_lesion=True,
    codes=True,
    measurements=frozenset(MEASUREMENT_POINTS),
    slices_read=True,
)
FILE: Final = "lesions.csv"
COLUMNS: Final = (
    "case", "split", "sop_instance_uid", "frame", "picture", "reader", "reader_kind", "reading_id", "verdict",
    "label_kind", "slices", "slices_read", "review", "image_findings", "measurements", "submitted_at", "lesion_id",
    "finding", "code_scheme", "code_value", "code_meaning", "kind", "left", "top", "width", "height", "pixels",
    "pictures", "points", "mask_origin", "mask_shape", "mask_runs", "attributes", "score", "origin",
)  # fmt: skip
_SLICES: Final = ("slices", "slices_read")
_NEEDED: Final = frozenset({"sop_instance_uid", "reading_id", "lesion_id", "kind", "points"})


def write(export: Export) -> Iterator[ExportFile]:
    """The table, and pictures where they go alongside (they come first: a table grows while its cases are seen)."""
    types = {one.pk: one for one in export.finding_types}
    if export.pictures:
        # Cases can be gone through once: the rows wait for the pictures.
        rows: list[str] = []
        for item in export.cases:
            yield from picture_files(export, item)
            rows.append("".join(_lines(export, item, types)))
        yield ExportFile(FILE, (text.encode() for text in (_line(COLUMNS), *rows)))
        return
    yield ExportFile(FILE, _table(export, types))


def _table(export: Export, types: Mapping[int, FindingType]) -> Iterator[bytes]:
    yield _line(COLUMNS).encode()
    for item in export.cases:
        yield "".join(_lines(export, item, types)).encode()


def _lines(export: Export, item: ExportCase, types: Mapping[int, FindingType]) -> Iterator[str]:
    for reading in item.readings:
        common = _reading_cells(export, item, reading, types)
        lesions = lesions_of(reading)
        for lesion in lesions:
            yield _row({**common, **_lesion_cells(item, lesion, types)})
        if not lesions:
            yield _row(common)


def _row(cells: Mapping[str, Any]) -> str:
    return _line([cells.get(name, "") for name in COLUMNS])


def _line(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue()


def _reading_cells(export: Export, item: ExportCase, reading: Reading, types: Mapping[int, FindingType]) -> dict[str, Any]:
    findings = {types[int(key)].name: value for key, value in reading.image_findings.items() if int(key) in types}
    measured = [
        {**measurement_entry(one, item.frames), "picture": item.picture_name(measured_frame(one, item.frames))}
        for one in reading.measurements
    ]
    return {
        "case": item.case.name,
        "split": item.case.split,
        "sop_instance_uid": item.frames[0].sop_instance_uid,
        "frame": item.frames[0].number,
        "reader": export.reader_names[reading.reader_id],
        "reader_kind": reading.reader.kind,
        "reading_id": str(reading.pk),
        "verdict": reading.verdict,
        "label_kind": export.label_kind(reading),
        **{name: "" if value is None else json.dumps(value) for name, value in slices_entry(item, reading).items()},
        "review": review_of(reading),
        "image_findings": json.dumps(findings, ensure_ascii=False) if findings else "",
        "measurements": json.dumps(measured, ensure_ascii=False) if measured else "",
        "submitted_at": reading.submitted_at.isoformat() if reading.submitted_at else "",
    }


def _lesion_cells(item: ExportCase, lesion: Lesion, types: Mapping[int, FindingType]) -> dict[str, Any]:
    finding_type = types[lesion.finding_type_id]
    shown = [(frame, mask) for frame, mask in lesion_masks(lesion, item.frames) if mask.any()]
    first = shown[0][0]
    union = np.logical_or.reduce([mask for _, mask in shown])
    rows, columns = np.flatnonzero(union.any(axis=1)), np.flatnonzero(union.any(axis=0))
    cells: dict[str, Any] = {
        "sop_instance_uid": first.sop_instance_uid,
        "frame": first.number,
        "picture": item.picture_name(first),
        "lesion_id": str(lesion.pk),
        "finding": finding_type.name,
        "code_scheme": finding_type.code_scheme,
        "code_value": finding_type.code_value,
        "code_meaning": finding_type.code_meaning,
        "kind": lesion.kind,
        "left": int(columns[0]),
        "top": int(rows[0]),
        "width": int(columns[-1] - columns[0] + 1),
        "height": int(rows[-1] - rows[0] + 1),
        "pixels": sum(int(mask.sum()) for _, mask in shown),
        "pictures": len(shown),
        "attributes": json.dumps(lesion.attributes, ensure_ascii=False) if lesion.attributes else "",
        "score": "" if lesion.score is None else lesion.score,
        "origin": lesion.origin,
    }
    if lesion.kind == MarkKind.MASK:
        runs = decode_runs(get_object(blob_key(lesion.mask_digest)))
        cells["mask_origin"] = _numbers(lesion.mask_origin or [])
        cells["mask_shape"] = _numbers(lesion.mask_shape or [])
        cells["mask_runs"] = _numbers(runs.tolist())
    else:
        cells["points"] = " ".join(f"{column:.6f},{row:.6f}" for column, row in lesion.points)
    return cells


def _numbers(values: list[int]) -> str:
    return " ".join(str(value) for value in values)


def recognises(files: Folder) -> bool:
    """Whether a table among them has our columns."""
    return any(_is_ours(files, name) for name in files)


def _is_ours(files: Folder, name: str) -> bool:
    if not name.lower().endswith(".csv"):
        return False
    head = file_head(files[name]).decode("utf-8-sig", "replace").splitlines()
    return bool(head) and {cell.strip() for cell in head[0].split(",")} >= _NEEDED


def read(files: Folder, context: ReadContext) -> Iterator[ForeignReading | UnusableFile]:
    """The readings of every such table."""
    for name in list(files):
        if _is_ours(files, name):
            by_reading: dict[str, list[dict[str, str]]] = defaultdict(list)
            for row in read_rows(files[name], name):
                plain = {key: as_it_was(value) for key, value in row.items()}
                by_reading[plain.get("reading_id", "")].append(plain)
            for rows in by_reading.values():
                try:
                    yield _reading(name, rows, context)
                except (Refused, KeyError, TypeError, ValueError) as error:
                    yield UnusableFile(name, f"The reading of {rows[0].get('case', '?')}: {damage_of(error)}")


def _reading(name: str, rows: list[dict[str, str]], context: ReadContext) -> ForeignReading:
    first = rows[0]
    images = [ImageReference(row["sop_instance_uid"], int(row.get("frame") or 1), _picture(row)) for row in rows]
    marked = [row for row in rows if row.get("kind")]
    reader = first.get("reader") or context.reader
    known = context.find(images[0])
    if known is None and any(row["kind"] == MarkKind.MASK for row in marked):
        return ForeignReading(f"{name}: {first.get('case')}", reader, images[:1], keep_files=[name])
    findings = json.loads(first["image_findings"]) if first.get("image_findings") else {}
    return ForeignReading(
        source=f"{name}: {first.get('case')}",
        reader=reader,
        images=images[:1],
        lesions=[_lesion(row, image, known) for row, image in zip(rows, images, strict=True) if row.get("kind")],
        image_findings={str(key): value == "present" for key, value in findings.items() if isinstance(value, str)},
        complete=(first.get("label_kind") or "full") == "full",
        readable=first.get("verdict") != "not_readable",
        slices_read=slices_of({name: json.loads(first[name]) for name in _SLICES if first.get(name)}),
        measurements=[_measurement(one) for one in json.loads(first.get("measurements") or "[]")],
    )


def _measurement(entry: Mapping[str, Any]) -> ForeignMeasurement:
    image = ImageReference(str(entry["sop_instance_uid"]), int(entry["frame"]), _picture(entry))
    return foreign_measurement(entry, image)


def _picture(row: Mapping[str, Any]) -> str:
    picture = row.get("picture") or row.get("case") or ""
    return f"images/{picture}.png" if picture else ""


def _lesion(row: Mapping[str, str], image: ImageReference, known: KnownImages | None) -> ForeignLesion:
    lesion: dict[str, Any] = {
        "finding": row.get("finding", ""),
        "code": Code(row.get("code_scheme", ""), row.get("code_value", ""), row.get("code_meaning", "")),
        "attributes": json.loads(row["attributes"]) if row.get("attributes") else {},
        "score": float(row["score"]) if row.get("score") else None,
    }
    if row["kind"] != MarkKind.MASK:
        points = [[float(value) for value in pair.split(",")] for pair in row["points"].split()]
        return ForeignLesion(kind=row["kind"], image=image, points=points, **lesion)
    assert known is not None
    return ForeignLesion(kind="mask", masks=_masks(row, known.frames), **lesion)


def _masks(row: Mapping[str, str], frames: Any) -> list[tuple[ImageReference, Any]]:
    origin = [int(value) for value in row["mask_origin"].split()]
    shape = [int(value) for value in row["mask_shape"].split()]
    if len(origin) != 3 or len(shape) != 3 or origin[0] < 0 or origin[0] + shape[0] > len(frames):
        raise Refused("a mask does not lie in its series")
    cut = decode_mask(np.array(row["mask_runs"].split(), dtype="<u4").tobytes(), shape)
    found = []
    for index in range(origin[0], origin[0] + shape[0]):
        frame: ImageFrame = frames[index]
        if origin[1] < 0 or origin[2] < 0 or origin[1] + shape[1] > frame.rows or origin[2] + shape[2] > frame.columns:
            raise Refused("a mask does not lie on its image")
        mask = paste_mask(mask=cut, origin=origin, frame=index, rows=frame.rows, columns=frame.columns)
        found.append((ImageReference(frame.sop_instance_uid, frame.number), mask))
    return found
