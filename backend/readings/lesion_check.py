"""Checks the lesions of a save against images, vocabulary and the model's findings, before any transaction begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID, uuid4

from django.db.models import Sum

from backend.accounts.compiled_select import CompiledSelect, fields_of
from backend.archive.models import Instance
from backend.archive.store import get_object
from backend.geometry.marks import (
    Grid,
    InvalidMark,
    check_mask_place,
    check_points,
    mask_centroid,
    moved_distance,
    points_centroid,
)
from backend.geometry.measurements import check_measurement
from backend.geometry.rle import blob_key, decode_mask, decode_runs
from backend.projects.attributes import attribute_fits
from backend.projects.models import Case, FindingType
from backend.projects.selectors import case_instances
from backend.readings.models import Lesion, MarkKind, Origin, Reading
from backend.readings.refusals import LesionsInvalid
from backend.registry.models import ModelVersion

MAX_CLICKS: Final = 32
MAX_STROKES: Final = 16
MAX_STROKE_PLACES: Final = 256
FROM_MODEL = (Origin.ACCEPTED, Origin.EDITED)


def checked_lesions(
    *,
    reading: Reading,
    case: Case,
    given: Sequence[Mapping[str, Any]],
    shown: Mapping[UUID, Lesion],
    asked_model: bool = False,
) -> list[Lesion]:
    """Lesions ready to be stored; LesionsInvalid names each one that is not.

    `shown`: the model's, by id; `asked_model`: whether its reader may have pointed and had the model outline.
    """
    images = _images(case, _named_images(given))
    types = _types(given)
    frames = frames_of(case) if any(_has_mask(item) for item in given) else 1
    edited = _edited_lesions(reading, given)
    retired = any(_is_retired(entry, reading) for entry in types.values())
    kept_types = _kept_types(reading, given) if retired else {}
    lesions, reasons = [], {}
    for item in given:
        try:
            instance = _instance(images, item)
            finding_type = _finding_type(types, item, reading, case, kept_types)
            lesion = _placed(item, instance, finding_type, frames)
            _keep_earlier(lesion, item["drawn_as"], images, frames)
            _keep_prompts(lesion, item["prompted"], case, asked_model)
            lesion.reading = reading
            if lesion.origin == Origin.REVIEWED:
                _trace_edited(lesion, item, edited)
            else:
                _trace_origin(lesion, item, shown)
            lesions.append(lesion)
        except InvalidMark as reason:
            reasons[str(item["id"])] = str(reason)
    if reasons:
        raise LesionsInvalid(reasons)
    return lesions


def predicted_lesions(*, case: Case, given: Sequence[Mapping[str, Any]]) -> list[Lesion]:
    """What a foreign model found, ready to be stored; LesionsInvalid names each one, by its place from 1, that is not."""
    images = _images(case, {item["sop_instance_uid"] for item in given})
    types = _types(given)
    frames = frames_of(case) if any(item["kind"] == MarkKind.MASK for item in given) else 1
    reading = Reading(case=case, vocabulary_version=case.project.vocabulary_version)
    lesions, reasons = [], {}
    for place, item in enumerate(given, start=1):
        try:
            instance = _instance(images, item)
            told = {**item, "id": uuid4(), "origin": Origin.PREDICTED}
            lesion = _placed(told, instance, _finding_type(types, told, reading, case, {}), frames)
            lesion.score = round(item["score"], 4)
            lesions.append(lesion)
        except InvalidMark as reason:
            reasons[str(place)] = str(reason)
    if reasons:
        raise LesionsInvalid(reasons)
    return lesions


def checked_measurements(*, case: Case, given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Measurements as they are stored; InvalidMark with the reason for the first that cannot be."""
    images = _images(case, {item["sop_instance_uid"] for item in given})
    stored = []
    for item in given:
        instance = _instance(images, item)
        grid = Grid(rows=instance.rows, columns=instance.columns)
        points = check_measurement(kind=item["kind"], points=item["points"], grid=grid)
        stored.append({**item, "id": str(item["id"]), "points": points})
    if len({item["id"] for item in stored}) < len(stored):
        raise InvalidMark("two measurements have one id")
    return stored


def lesion_centroid(lesion: Lesion) -> tuple[float, float]:
    """Centre (column, row) of a stored lesion, whatever its kind."""
    if lesion.kind != MarkKind.MASK:
        return points_centroid(kind=lesion.kind, points=lesion.points)
    if lesion.mask_origin is None or lesion.mask_shape is None:
        raise InvalidMark("a mask has an origin and a shape")
    mask = decode_mask(get_object(blob_key(lesion.mask_digest)), lesion.mask_shape)
    return mask_centroid(mask=mask, origin=lesion.mask_origin)


_TYPES: Final = CompiledSelect.of_models([FindingType], "FROM projects_findingtype WHERE id IN ({listed})")
_IMAGE_FIELDS: Final = ("id", "sop_instance_uid", "rows", "columns", "number_of_frames")
_IMAGES: Final = CompiledSelect(
    fields_of(Instance, *_IMAGE_FIELDS),
    "FROM archive_instance WHERE series_id = %s AND (id = %s OR %s) AND sop_instance_uid IN ({listed})",
)


def _types(given: Iterable[Mapping[str, Any]]) -> dict[int, FindingType]:
    # No database holds a larger key; SQLite even refuses to be asked for one.
    wanted = {item["finding_type"] for item in given if abs(item["finding_type"]) < 2**63}
    return {entry.pk: entry for (entry,) in _TYPES.instances([], listed=wanted)} if wanted else {}


def _named_images(given: Iterable[Mapping[str, Any]]) -> set[str]:
    """The images on which the lesions lie now and lay before they were converted."""
    earlier = [item["drawn_as"] for item in given if item["drawn_as"]]
    return {place["sop_instance_uid"] for place in [*given, *earlier]}


def _has_mask(item: Mapping[str, Any]) -> bool:
    return item["kind"] == MarkKind.MASK or bool(item["drawn_as"] and item["drawn_as"]["kind"] == MarkKind.MASK)


def _images(case: Case, wanted: set[str]) -> dict[str, Instance]:
    if not wanted:
        return {}
    rows = _IMAGES.rows([case.series_id, case.instance_id, case.instance_id is None], listed=wanted)
    return {row[1]: Instance(**dict(zip(_IMAGE_FIELDS, row, strict=True))) for row in rows}


def frames_of(case: Case) -> int:
    """How many frames the case has: slices, where it is a series."""
    return int(case_instances(case).order_by().aggregate(frames=Sum("number_of_frames"))["frames"] or 0)


def _kept_types(reading: Reading, given: Sequence[Mapping[str, Any]]) -> dict[UUID, int]:
    """Types that stored lesions already have: a lesion may keep a type that was retired since."""
    stored = Lesion.objects.filter(reading=reading, pk__in=[item["id"] for item in given])
    return dict(stored.values_list("pk", "finding_type_id"))


def _edited_lesions(reading: Reading, given: Sequence[Mapping[str, Any]]) -> dict[UUID, Lesion | None]:
    """Of an edit of another's reading: that one's lesions, and by their own ids those whose lesion there is gone since."""
    reviewed = [item for item in given if item["origin"] == Origin.REVIEWED]
    if not reviewed or reading.revises_id is None:
        return {}
    orphans = Lesion.objects.filter(reading=reading, origin=Origin.REVIEWED, origin_lesion=None)
    named = Lesion.objects.filter(reading=reading.revises_id, pk__in=[item["origin_lesion"] for item in reviewed])
    gone = orphans.filter(pk__in=[item["id"] for item in reviewed]).values_list("pk", flat=True)
    return {**dict.fromkeys(gone), **{lesion.pk: lesion for lesion in named}}


def _instance(images: Mapping[str, Instance], item: Mapping[str, Any]) -> Instance:
    instance = images.get(item["sop_instance_uid"])
    if instance is None:
        raise InvalidMark(f"the case has no image {item['sop_instance_uid']}")
    if not 1 <= item["frame"] <= instance.number_of_frames:
        raise InvalidMark(f"the image has frames 1 to {instance.number_of_frames}, not {item['frame']}")
    return instance


def _finding_type(
    types: Mapping[int, FindingType], item: Mapping[str, Any], reading: Reading, case: Case, kept: Mapping[UUID, int]
) -> FindingType:
    entry = types.get(item["finding_type"])
    if entry is None or entry.project_id != case.project_id or entry.scope != "lesion":
        raise InvalidMark(f"the project has no lesion type {item['finding_type']}")
    if _is_retired(entry, reading) and kept.get(item["id"]) != entry.pk:
        raise InvalidMark(f"{entry.name} was retired from the vocabulary")
    if item["kind"] not in entry.allowed_marks:
        raise InvalidMark(f"{entry.name} is not marked by {item['kind']}; allowed: {', '.join(entry.allowed_marks)}")
    allowed = {attribute["name"]: attribute for attribute in entry.attributes}
    for name, value in item["attributes"].items():
        if name not in allowed or not attribute_fits(allowed[name], value):
            raise InvalidMark(f"{entry.name} has no attribute {name} of value {value}")
    return entry


def _is_retired(entry: FindingType, reading: Reading) -> bool:
    """Whether the entry was gone when the draft was opened."""
    return entry.retired_in_version is not None and entry.retired_in_version <= reading.vocabulary_version


def _placed(item: Mapping[str, Any], instance: Instance, finding_type: FindingType, frames: int) -> Lesion:
    lesion = Lesion(
        id=item["id"],
        finding_type=finding_type,
        kind=item["kind"],
        instance=instance,
        frame=item["frame"],
        attributes=item["attributes"],
        origin=item["origin"],
    )
    points, mask = _checked_geometry(item, Grid(rows=instance.rows, columns=instance.columns, frames=frames))
    lesion.points = points
    if mask is not None:
        lesion.mask_origin, lesion.mask_shape, lesion.mask_digest = mask["origin"], mask["shape"], mask["digest"]
    return lesion


def _checked_geometry(item: Mapping[str, Any], grid: Grid) -> tuple[list[list[float]], dict[str, Any] | None]:
    """Points, or a mask as {origin, shape, digest}."""
    mask = item["mask"]
    if item["kind"] != MarkKind.MASK:
        if mask is not None:
            raise InvalidMark(f"a mark of kind {item['kind']} has points, no mask")
        return check_points(kind=item["kind"], points=item.get("points", []), grid=grid), None
    if mask is None or item.get("points", []):
        raise InvalidMark("a mark of kind mask has a mask, no points")
    origin, shape = check_mask_place(origin=mask["origin"], shape=mask["shape"], grid=grid)
    _check_blob(mask["digest"], shape)
    return [], {"origin": origin, "shape": shape, "digest": mask["digest"]}


def _keep_earlier(lesion: Lesion, earlier: Mapping[str, Any] | None, images: Mapping[str, Instance], frames: int) -> None:
    """Store what the lesion was before it was converted, as valid a mark as any."""
    if earlier is None:
        return
    instance = _instance(images, earlier)
    points, mask = _checked_geometry(earlier, Grid(rows=instance.rows, columns=instance.columns, frames=frames))
    place = {"sop_instance_uid": earlier["sop_instance_uid"], "frame": earlier["frame"]}
    lesion.drawn_as = {"kind": earlier["kind"], **place, "points": points, "mask": mask}
    lesion.drawn_as_digest = mask["digest"] if mask else ""


def _keep_prompts(lesion: Lesion, prompted: Mapping[str, Any] | None, case: Case, asked_model: bool) -> None:
    """Store the clicks and strokes from which the mask was made. A blinded reader cannot tell by a claim which versions
    there are.
    """
    if prompted is None:
        return
    generic = prompted.get("generic")
    if (prompted["version"] is not None or generic) and not asked_model:
        raise InvalidMark("this case is read without the model")
    if prompted["version"] is not None:
        if generic:
            raise InvalidMark("an outline is a model version's or a general-purpose network's, not both")
        if not ModelVersion.objects.filter(project=case.project_id, number=prompted["version"]).exists():
            raise InvalidMark(f"the project has no model version {prompted['version']}")
    grid = Grid(rows=lesion.instance.rows, columns=lesion.instance.columns)
    told: dict[str, Any] = {"version": prompted["version"]}
    for name in ("positive", "negative"):
        if not isinstance(prompted[name], list) or len(prompted[name]) > MAX_CLICKS:
            raise InvalidMark(f"a lesion is made of at most {MAX_CLICKS} clicks")
        told[name] = [check_points(kind="point", points=[place], grid=grid)[0] for place in prompted[name]]
    box = prompted["box"]
    told["box"] = None if box is None else check_points(kind="box", points=box, grid=grid)
    if prompted.get("strokes"):
        told["strokes"] = [_checked_stroke(stroke, grid) for stroke in prompted["strokes"]]
    if generic:
        told["generic"] = dict(generic)
    lesion.prompted = told


def _checked_stroke(stroke: Mapping[str, Any], grid: Grid) -> dict[str, Any]:
    """A stroke of the pointer as it is stored: {positive, points}."""
    points = stroke["points"]
    if not isinstance(points, list) or not 2 <= len(points) <= MAX_STROKE_PLACES:
        raise InvalidMark(f"a stroke has 2 to {MAX_STROKE_PLACES} places")
    places = [check_points(kind="point", points=[place], grid=grid)[0] for place in points]
    return {"positive": stroke["positive"], "points": places}


def _check_blob(digest: str, shape: Sequence[int]) -> None:
    """The blob is there, fills the mask's shape and sets something; runs are summed, no array is built."""
    try:
        runs = decode_runs(get_object(blob_key(digest)))
    except FileNotFoundError:
        raise InvalidMark(f"the mask {digest} was not uploaded") from None
    frames, rows, columns = shape
    if int(runs.sum()) != frames * rows * columns:
        raise InvalidMark(f"the mask's runs cover {int(runs.sum())} pixels, its shape has {frames * rows * columns}")
    if not runs[1::2].sum():
        raise InvalidMark("the mask is empty")


def _trace_origin(lesion: Lesion, item: Mapping[str, Any], shown: Mapping[UUID, Lesion]) -> None:
    """Score and distance come from the model's stored lesion, never from the caller."""
    if lesion.origin not in FROM_MODEL:
        if item["origin_lesion"] is not None:
            raise InvalidMark("a drawn lesion comes from no predicted one")
        return
    predicted = shown.get(item["origin_lesion"])
    if predicted is None:
        raise InvalidMark("it names no finding of a model that is shown in this case")
    lesion.origin_lesion = predicted
    lesion.origin_score = predicted.score
    lesion.moved_pixels = _moved(predicted, lesion)


def _trace_edited(lesion: Lesion, item: Mapping[str, Any], edited: Mapping[UUID, Lesion | None]) -> None:
    """A lesion of an edit keeps its origin wherever it is moved; the model's score stays that of the reader's lesion."""
    begun = edited.get(item["origin_lesion"])
    if begun is None:
        if item["id"] not in edited:
            raise InvalidMark("it names no lesion of a reading that this one edits")
        return
    lesion.origin_lesion, lesion.origin_score, lesion.moved_pixels = begun, begun.origin_score, _moved(begun, lesion)


def _moved(before: Lesion, now: Lesion) -> float:
    """How far, in pixels, between the centres; 0 for the very same mark."""
    same = (
        now.kind == before.kind
        and now.points == before.points
        and now.mask_digest == before.mask_digest
        and now.mask_origin == before.mask_origin
    )
    return 0.0 if same else moved_distance(lesion_centroid(before), lesion_centroid(now))
