"""Writes archives and the spatial order of their series."""

from __future__ import annotations

import json

from django.db import transaction

from backend.archive.models import Instance, Series
from backend.archive.selectors import in_arrival_order
from backend.dicom.header import Header
from backend.dicom.volumes import Plane, frame_plane, grid_affine, spatial_order

_CHUNK = 100


def order_series(*, series: Series) -> None:
    """Write the position of each instance along the slice normal and the affine of the grid they make.

    Where the instances have no common normal, or several lie in one place, positions are emptied and the instance
    number orders them; where they make no regular grid, the affine is null.
    """
    instances = list(in_arrival_order(series))
    planes = [_planes(instance) for instance in instances]
    order = spatial_order([first for first, *_ in planes])
    normal = planes[order[0]][0].normal if order and planes[order[0]][0] is not None else None  # type: ignore[union-attr]
    changed = []
    for instance, (first, *_) in zip(instances, planes, strict=True):
        position = float(normal @ first.origin) if normal is not None and first is not None else None
        if instance.position != position:
            instance.position = position
            changed.append(instance)
    affine = _affine(planes, order)
    for start in range(0, len(changed), _CHUNK):
        Instance.objects.bulk_update(changed[start : start + _CHUNK], ["position"])
    if affine != series.affine:
        with transaction.atomic():
            Series.objects.filter(pk=series.pk).update(affine=affine)
        series.affine = affine


def _planes(instance: Instance) -> list[Plane | None]:
    """The planes of an instance's frames."""
    header: Header = json.loads(instance.dicom_json)
    return [frame_plane(header, frame) for frame in range(1, instance.number_of_frames + 1)]


def _affine(planes: list[list[Plane | None]], order: list[int] | None) -> list[list[float]] | None:
    if order is None:
        return None
    frames = [plane for index in order for plane in planes[index]]
    known = [plane for plane in frames if plane is not None]
    return grid_affine(known) if known and len(known) == len(frames) else None
