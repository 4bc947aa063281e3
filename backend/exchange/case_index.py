"""Finds the cases of a project that other programs speak of: by original or stored UID, by file name, by case name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

import numpy as np
from django.db.models import Q

from backend.archive.models import Instance, Series, Study
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_digest, keyed_uid
from backend.exchange.export_selection import ImageFrame, case_frames
from backend.exchange.foreign import ImageReference
from backend.exchange.formats.family import KnownImages
from backend.exchange.label_tables import table_path
from backend.exchange.models import ImportItem
from backend.projects.models import Case, Project

_HELD: Final = 32
_DOUBLE_SUFFIXES: Final = (".nii.gz", ".seg.nrrd")


@dataclass(frozen=True, slots=True)
class Place:
    """What a name or UID stands for: a case, and one of its instances where it names one."""

    case_id: UUID
    instance_id: int | None = None
    index: int | None = None
    """0-based picture in reading order, where the name says one (`CT-0001/0012`)."""


class CaseIndex:
    """Looks up the cases of one project; names are indexed at the first question and after `forget`."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._names: dict[str, Place | None] | None = None
        self._cases: dict[str, UUID] = {}
        self._instances: dict[int, Instance] = {}
        self._held: OrderedDict[UUID, tuple[Case, list[ImageFrame]]] = OrderedDict()

    def forget(self) -> None:
        """Cases have come in: index anew."""
        self._names = None
        self._held.clear()

    def by_name(self, name: str) -> KnownImages | None:
        """`ReadContext.by_name`."""
        place = self.place_of_name(name)
        return self.known(place.case_id) if place is not None else None

    def by_uid(self, uid: str) -> KnownImages | None:
        """`ReadContext.by_uid`."""
        place = self.place_of_uid(uid) or self._place_of_series(uid)
        return self.known(place.case_id) if place is not None else None

    def known(self, case_id: UUID) -> KnownImages:
        """The pictures of a case."""
        case, frames = self.case(case_id)
        affine = case.series.affine
        return KnownImages(case.name, frames, np.array(affine) if affine is not None else None)

    def case(self, case_id: UUID) -> tuple[Case, list[ImageFrame]]:
        """A case of the project and its pictures in reading order."""
        held = self._held.get(case_id)
        if held is None:
            case = Case.objects.select_related("series").get(pk=case_id, project=self._project)
            held = self._held[case_id] = (case, case_frames(case))
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        self._held.move_to_end(case_id)
        return held

    def instance(self, frame: ImageFrame) -> Instance:
        """The row of a picture's instance, as far as a mark needs it."""
        if frame.instance_id not in self._instances:
            self._instances[frame.instance_id] = Instance.objects.only("pk", "rows", "columns").get(pk=frame.instance_id)
        return self._instances[frame.instance_id]

    def locate(self, reference: ImageReference) -> tuple[UUID, ImageFrame] | None:
        """The case and picture that a reference stands for, None where it is not here; Refused if the image has no such
        frame. Where a UID is given the name is not asked: equal names of two projects are different images."""
        if reference.sop_instance_uid:
            place = self.place_of_uid(reference.sop_instance_uid)
        else:
            place = self.place_of_name(reference.name)
        return self.picture(place, reference.frame) if place is not None else None

    def picture(self, place: Place, number: int) -> tuple[UUID, ImageFrame]:
        """The frame `number` (from 1) of what a place names: of its instance, else of the case in reading order."""
        _, frames = self.case(place.case_id)
        if place.index is not None:
            found = frames[place.index] if place.index < len(frames) else None
        elif place.instance_id is not None:
            found = next((one for one in frames if (one.instance_id, one.number) == (place.instance_id, number)), None)
        else:
            found = frames[number - 1] if 0 < number <= len(frames) else None
        if found is None:
            raise Refused(f"It speaks of frame {number}, which its image does not have.")
        return place.case_id, found

    def place_of_uid(self, uid: str) -> Place | None:
        """Where the image of a SOP Instance UID, as it was received or as it is stored, lies."""
        return self.place_of_digest(keyed_digest(self._project.archive.key, "sop instance uid", uid)) or self._place_of(
            Q(sop_instance_uid=uid)
        )

    def place_of_digest(self, digest: str) -> Place | None:
        """Where the image of this keyed digest of an original SOP Instance UID lies."""
        return self._place_of(Q(original_uid_digest=digest))

    def _place_of(self, instance: Q) -> Place | None:
        found = Instance.objects.filter(instance, series__study__archive_id=self._project.archive_id)
        for pk, series_id in found.values_list("pk", "series_id"):
            whole = Q(instance=None, series_id=series_id)
            case = Case.objects.filter(Q(instance_id=pk) | whole, project=self._project).values_list("pk", flat=True).first()
            if case is not None:
                return Place(case, pk)
        return None

    def _place_of_series(self, uid: str) -> Place | None:
        """The one case of a series or study; None where it has several here."""
        archive = self._project.archive
        uids = (uid, keyed_uid(archive.key, "uid", uid))
        series = Series.objects.filter(series_instance_uid__in=uids, study__archive=archive)
        studies = Study.objects.filter(study_instance_uid__in=uids, archive=archive)
        cases = Case.objects.filter(Q(series__in=series) | Q(series__study__in=studies), project=self._project)
        found = list(cases.values_list("pk", flat=True)[:2])
        return Place(found[0]) if len(found) == 1 else None

    def place_of_name(self, name: str) -> Place | None:
        """What a name stands for: the file of an import by the longest part of its path, a case's name, or either without
        extension; None where there is none, or several fit."""
        if not name.strip():
            return None
        if self._names is None:
            self._names = self._indexed()
        path = table_path(name)
        for key in _tails(path):
            if key in self._names:
                return self._names[key]
        bare = without_extension(path)
        return self._of_case(bare) or next(
            (self._names[f"{key}."] for key in _tails(bare) if f"{key}." in self._names), None
        )

    def _of_case(self, bare: str) -> Place | None:
        parts = PurePosixPath(bare).parts
        if parts and parts[-1] in self._cases:
            return Place(self._cases[parts[-1]])
        if len(parts) > 1 and parts[-2] in self._cases and parts[-1].isascii() and parts[-1].isdigit():
            return Place(self._cases[parts[-2]], index=max(int(parts[-1]) - 1, 0))
        return None

    def _indexed(self) -> dict[str, Place | None]:
        """Every tail of every imported path, and (with a dot behind) every tail without extension; None: several fit."""
        names: dict[str, Place | None] = {}
        items = ImportItem.objects.filter(run__project=self._project, case__isnull=False, instance__isnull=False)
        for name, case_id, instance_id in items.values_list("name", "case_id", "instance_id").iterator(2000):
            _add(names, name, Place(case_id, instance_id))
        rows = Case.objects.filter(project=self._project)
        self._cases = {}
        for pk, name, source, instance_id in rows.values_list("pk", "name", "source_name", "instance_id").iterator(2000):
            self._cases[name] = pk
            if source and instance_id is not None:
                _add(names, source, Place(pk, instance_id))
        return names


def without_extension(path: str) -> str:
    """A path without its file's extension; `.nii.gz` is one."""
    for suffix in _DOUBLE_SUFFIXES:
        if path.lower().endswith(suffix):
            return path[: -len(suffix)]
    tail = PurePosixPath(path)
    return path[: -len(tail.suffix)] if tail.suffix and not tail.suffix[1:].isdigit() else path


def _tails(path: str) -> Iterator[str]:
    """The path and what follows each of its slashes, the longest first."""
    while path:
        yield path
        _, slash, path = path.partition("/")
        if not slash:
            return


def _add(names: dict[str, Place | None], name: str, place: Place) -> None:
    path = table_path(name)
    for key in (*_tails(path), *(f"{tail}." for tail in _tails(without_extension(path)))):
        names[key] = place if names.get(key, place) == place else None
