"""What a format cannot carry of a selection, counted before anything is exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Count, QuerySet

from backend.exchange.export_selection import ExportFilter
from backend.exchange.formats.family import Carries
from backend.projects.models import FindingType
from backend.readings.models import Lesion, MarkKind, Reading, Verdict

Loss = dict[str, Any]
"""`what` is lost (a word below), of how many (`count`); for marks `kind` and what it `becomes`, for measurements of a format
that carries others their `kind`, for notes the `text`."""

_SENTENCES: Final[Mapping[str, str]] = {
    "volumes": "{count} lesions over several slices fall into one lesion a slice.",
    "instances": "{count} lesions share a type with another of their reading: they are not told apart.",
    "overlaps": "{count} lesions overlap another one: where they do, only one of them is left.",
    "masks": "{count} masks are not kept to the pixel.",
    "attributes": "Attributes of {count} lesions are left out.",
    "image_findings": "Findings of the whole image of {count} readings are left out.",
    "no_lesion": "{count} readings that say there is no lesion, or that the image is not readable, are left out.",
    "readers": "{count} readers are not told apart.",
    "codes": "Codes of {count} finding types are left out.",
    "slices_read": "Which slices were looked at is left out of {count} readings: read back, all of them count as read.",
    "needs_space": "{count} readings of images without a place in the patient (radiographs, ultrasound) are left out.",
    "measurements": "Measurements of {count} readings are left out.",
    "measurement": "{count} measurements of kind {kind} are left out.",
}


def selection_counts(readings: QuerySet[Reading], chosen: ExportFilter) -> dict[str, int]:
    """Cases, readings, readers and lesions of a selection."""
    return {
        "cases": readings.order_by().values("case_id").distinct().count(),
        "readings": readings.count(),
        "readers": readings.order_by().values("reader_id").distinct().count(),
        "lesions": _lesions(readings, chosen).count(),
    }


def losses_of(carries: Carries, readings: QuerySet[Reading], chosen: ExportFilter, notes: Sequence[str] = ()) -> list[Loss]:
    """What is lost of these readings, with numbers; then the format's own notes, and those of the options chosen."""
    lesions = _lesions(readings, chosen)
    found: list[Loss] = []
    kinds = dict(lesions.order_by().values_list("kind").annotate(count=Count("pk")))
    for kind in MarkKind.values:
        if kinds.get(kind) and kind not in carries.kinds and kind != carries.others_become:
            found.append({"what": "kind", "kind": kind, "becomes": carries.others_become, "count": kinds[kind]})
    counts = _counts(carries, readings, lesions, kinds)
    found += [{"what": what, "count": count} for what, count in counts.items() if count]
    found += _lost_measurements(carries, readings)
    return [*found, *({"what": "note", "text": note, "count": 0} for note in (*carries.notes, *notes))]


def loss_sentence(loss: Loss) -> str:
    """A loss for the manifest and the command line, in English."""
    if loss["what"] == "note":
        return str(loss["text"])
    if loss["what"] == "kind":
        return f"{loss['count']} marks of kind {loss['kind']} become a {loss['becomes']} each."
    return _SENTENCES[loss["what"]].format(count=loss["count"], kind=loss.get("kind", ""))


def _lesions(readings: QuerySet[Reading], chosen: ExportFilter) -> QuerySet[Lesion]:
    lesions = Lesion.objects.filter(reading__in=readings.order_by().values("pk"))
    return lesions.filter(finding_type_id__in=chosen.finding_types) if chosen.finding_types else lesions


def _counts(
    carries: Carries, readings: QuerySet[Reading], lesions: QuerySet[Lesion], kinds: Mapping[str, int]
) -> dict[str, int]:
    counts: dict[str, int] = {}
    if not carries.volumes:
        shapes = lesions.filter(kind=MarkKind.MASK).values_list("mask_shape", flat=True)
        counts["volumes"] = sum(1 for shape in shapes.iterator(2000) if shape and shape[0] > 1)
    if not carries.instances:
        groups = lesions.order_by().values("reading_id", "finding_type_id").annotate(count=Count("pk"))
        counts["instances"] = sum(group["count"] for group in groups if group["count"] > 1)
    if not carries.overlaps:
        counts["overlaps"] = _overlapping(lesions)
    if not carries.exact_masks and MarkKind.MASK in carries.kinds:  # else it is told what they become
        counts["masks"] = kinds.get(MarkKind.MASK, 0)
    if not carries.attributes:
        counts["attributes"] = lesions.exclude(attributes={}).count()
    counts |= _reading_counts(carries, readings)
    if not carries.codes:
        used = lesions.order_by().values("finding_type_id")
        counts["codes"] = FindingType.objects.filter(pk__in=used).exclude(code_value="").count()
    return counts


def _reading_counts(carries: Carries, readings: QuerySet[Reading]) -> dict[str, int]:
    counts: dict[str, int] = {}
    if not carries.image_findings:
        counts["image_findings"] = readings.exclude(image_findings={}).count()
    if not carries.no_lesion:
        counts["no_lesion"] = readings.filter(verdict__in=(Verdict.NO_LESION, Verdict.NOT_READABLE)).count()
    if not carries.slices_read:
        counts["slices_read"] = readings.filter(slices_read__isnull=False).count()
    if not carries.readers:
        readers = readings.order_by().values("reader_id").distinct().count()
        counts["readers"] = readers if readers > 1 else 0
    if carries.needs_space:
        counts["needs_space"] = readings.filter(case__series__frame_of_reference_uid="").count()
    return counts


def _lost_measurements(carries: Carries, readings: QuerySet[Reading]) -> list[Loss]:
    """By kind where the format keeps some of them, else the readings that have any."""
    measuring = readings.exclude(measurements=[])
    if not carries.measurements:
        count = measuring.count()
        return [{"what": "measurements", "count": count}] if count else []
    kinds = Counter(one["kind"] for stored in measuring.values_list("measurements", flat=True) for one in stored)
    lost = sorted(kinds.keys() - carries.measurements)
    return [{"what": "measurement", "kind": kind, "count": kinds[kind]} for kind in lost]


def _overlapping(lesions: QuerySet[Lesion]) -> int:
    """Lesions whose box meets that of another lesion of the same reading and picture: at most so many lose pixels."""
    boxes: dict[tuple[Any, ...], list[tuple[float, ...]]] = {}
    fields = ("pk", "reading_id", "instance_id", "frame", "kind", "points", "mask_origin", "mask_shape")
    for _pk, reading, instance, frame, kind, points, origin, shape in lesions.values_list(*fields).iterator(2000):
        if kind == MarkKind.MASK:
            first, top, left = origin
            # Masks lie in the series grid, other marks on an instance: of a series the slices are not compared here.
            boxes.setdefault((reading, "mask"), []).append(
                (left, top, left + shape[2], top + shape[1], first, first + shape[0])
            )
        else:
            columns, rows = [point[0] for point in points], [point[1] for point in points]
            box = (min(columns), min(rows), max(columns), max(rows), 0, 1)
            boxes.setdefault((reading, instance, frame), []).append(box)
    meeting: Counter[bool] = Counter()
    for group in boxes.values():
        for place, one in enumerate(group):
            meeting[any(_meet(one, other) for at, other in enumerate(group) if at != place)] += 1
    return meeting[True]


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(one[low] < other[high] and other[low] < one[high] for low, high in ((0, 2), (1, 3), (4, 5)))
