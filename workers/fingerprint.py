"""Facts of a project's POOL that decide its network: extents, lesions, greys; what `workers.cnn.plan` makes a plan from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

import numpy as np
from django.db.models import Max, Sum
from numpy.typing import NDArray

from backend.archive.models import Instance
from backend.archive.rendering import frame_values
from backend.archive.spacing import voxel_spacing
from backend.archive.store import get_object
from backend.geometry.rasterise import paste_mask
from backend.geometry.rle import blob_key, decode_mask
from backend.learning.selectors import labels
from backend.projects.models import Case, Project, Split
from backend.readings.models import Lesion, MarkKind
from workers.cnn.data import Mark, lesion_pixels
from workers.cnn.plan import CaseFacts, Fingerprint, Pair, Quad, Triple, fingerprint_of, typical_modality
from workers.datasets import UnreadableCase, case_frames, decoding, grey_frame

MOST_FACTS: Final = 200
MOST_LOOKED_AT: Final = 16
MOST_LESIONS: Final = 100
LEAST_LESIONS: Final = 5
"""Fewer say too little of what the others will look like."""
MARGIN: Final = 0.5
LEAST_MARGIN: Final = 8
"""What surrounds a lesion: so much of its longer side on each side, at least so many pixels."""
OF_ONE_LESION: Final = np.linspace(0.5, 99.5, 100)
"""The percentiles by which each lesion counts, so that all count alike, whatever their size."""

Values = NDArray[np.float64]


def project_fingerprint(project: Project) -> Fingerprint | None:
    """What is typical of the project's POOL, and of the lesions that were marked there; None where no case has an image."""
    facts = case_facts(project)
    if not facts:
        return None
    modality = typical_modality(facts)
    within, around = lesion_intensities(project) if modality == "CT" else (None, None)
    return fingerprint_of(
        facts,
        lesion_shares=lesion_shares(project),
        intensities=pool_intensities(project, modality),
        lesion_intensities=within,
        around_intensities=around,
    )


def some_pool_cases(project: Project, most: int) -> list[Case]:
    """At most so many of the POOL's cases, evenly by number."""
    pks = list(Case.objects.filter(project=project, split=Split.POOL).order_by("number").values_list("pk", flat=True))
    return list(Case.objects.filter(pk__in=_spread(pks, most)).select_related("series", "instance").order_by("number"))


def _spread(keys: Sequence[UUID], most: int) -> Sequence[UUID]:
    """At most so many of the keys, every second, third and so on of them."""
    return keys[:: max(1, math.ceil(len(keys) / most))]


def case_facts(project: Project) -> list[CaseFacts]:
    """What is known of the POOL's cases without decoding one, of at most 200 of them."""
    rows = some_pool_cases(project, MOST_FACTS)
    of_series = Instance.objects.filter(series__in=[row.series_id for row in rows if row.instance is None])
    counted = of_series.order_by().values("series").annotate(n=Sum("number_of_frames"), r=Max("rows"), c=Max("columns"))
    extents: dict[int, tuple[int, int, int]] = {one["series"]: (one["n"], one["r"], one["c"]) for one in counted}
    found = []
    for row in rows:
        one = row.instance
        extent: tuple[int, int, int] | None = extents.get(row.series_id)
        if one is not None:
            extent = (one.number_of_frames, one.rows, one.columns)
        if extent is None:
            continue
        spacing = voxel_spacing(
            affine=row.series.affine, pixel_spacing=one.pixel_spacing if one else None, n_frames=extent[0]
        )
        found.append(CaseFacts(*extent, spacing, row.series.modality))
    return found


def lesion_shares(project: Project) -> list[float]:
    """The short side of each labelled POOL lesion as a share of its image's longer side."""
    rows = Lesion.objects.filter(reading__in=labels(project, Split.POOL)).exclude(kind=MarkKind.POINT)
    found = []
    for lesion in rows.select_related("instance").only(
        "points", "mask_shape", "kind", "instance__rows", "instance__columns"
    ):
        if lesion.kind == MarkKind.MASK:
            sides = list(lesion.mask_shape or ())[1:]
        else:
            sides = np.ptp(np.array(lesion.points, dtype=float), axis=0).tolist()
        if sides:
            found.append(float(min(sides)) / max(lesion.instance.rows, lesion.instance.columns))
    return found


def pool_intensities(project: Project, modality: str) -> Triple | None:
    """0.5th, 50th and 99.5th percentile of the middle frames of some POOL cases of a modality; of CT in HU."""
    seen = []
    for case in some_pool_cases(project, MOST_LOOKED_AT):
        frames = case_frames(case)
        if not frames or case.series.modality != modality:
            continue
        instance, number = frames[len(frames) // 2]
        with suppress(UnreadableCase), decoding(case, number):
            whole = frame_values(instance, number) if modality == "CT" else grey_frame(instance, number, None)
            seen.append(_known(whole[::4, ::4]))
    if not sum(len(one) for one in seen):
        return None
    low, half, high = np.percentile(np.concatenate(seen), (0.5, 50, 99.5)).round(1).tolist()
    return low, half, high


def lesion_intensities(project: Project) -> tuple[Pair | None, Quad | None]:
    """HU within the labelled CT lesions of the POOL (0.5th, 99.5th percentile), and around them (0.5th, 33rd, 67th, 99.5th).

    Each lesion is looked at in one frame, and counts as much as any other. None where there are too few.
    """
    rows = Lesion.objects.filter(reading__in=labels(project, Split.POOL), reading__case__series__modality="CT")
    rows = rows.exclude(kind=MarkKind.POINT).order_by("reading__case__number", "pk")
    pks = list(rows.values_list("pk", flat=True))
    within, around = [], []
    if len(pks) >= LEAST_LESIONS:
        chosen = Lesion.objects.filter(pk__in=_spread(pks, MOST_LESIONS))
        for lesion in chosen.select_related("instance", "reading__case__series", "reading__case__instance"):
            with suppress(UnreadableCase):
                inside, outside = _lesion_values(lesion)
                if len(inside) and len(outside):
                    within.append(np.percentile(inside, OF_ONE_LESION))
                    around.append(np.percentile(outside, OF_ONE_LESION))
    if len(within) < LEAST_LESIONS:
        return None, None
    low, high = np.percentile(within, (0.5, 99.5)).round(1).tolist()
    least, below, above, most = np.percentile(around, (0.5, 100 / 3, 200 / 3, 99.5)).round(1).tolist()
    return (low, high), (least, below, above, most)


def _lesion_values(lesion: Lesion) -> tuple[Values, Values]:
    """HU of a lesion's pixels, and of what is around it in the same frame; of a mask the frame where it is largest."""
    case = lesion.reading.case
    instance, number = lesion.instance, lesion.frame
    with decoding(case, number):
        if lesion.kind == MarkKind.MASK:
            mask = decode_mask(get_object(blob_key(lesion.mask_digest)), list(lesion.mask_shape or ()))
            origin = list(lesion.mask_origin or ())
            frame = origin[0] + int(mask.sum(axis=(1, 2)).argmax())
            instance, number = case_frames(case)[frame]
            plane = paste_mask(mask=mask, origin=origin, frame=frame, rows=instance.rows, columns=instance.columns)
        else:
            plane = lesion_pixels(Mark(lesion.kind, 1, points=lesion.points), instance.rows, instance.columns)
        if not plane.any():
            return np.empty(0), np.empty(0)
        place = _enlarged(plane)
        values, inside = frame_values(instance, number)[place], plane[place]
    return _known(values[inside]), _known(values[~inside])


def _enlarged(plane: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns of the bounding box of what is set, with its margin; beyond the image it ends."""
    spans = [np.flatnonzero(plane.any(axis=1 - axis))[[0, -1]] for axis in range(2)]
    margin = max(LEAST_MARGIN, round(MARGIN * max(int(last - first + 1) for first, last in spans)))
    rows, columns = (slice(max(0, int(first) - margin), int(last) + 1 + margin) for first, last in spans)
    return rows, columns


def _known(values: NDArray[np.float64] | NDArray[np.uint8]) -> Values:
    """All but padding, which is no image, in one row."""
    flat = values.ravel().astype(np.float64)
    return flat[~np.isnan(flat)]
