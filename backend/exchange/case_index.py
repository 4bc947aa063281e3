"""Finds the cases of a project that other programs speak of: by original or stored UID, by file name, by case name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final
from uuid import UUID

from django.db.models import Q

from backend.archive.models import Instance
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_digest, keyed_uid
from backend.dicom.volume_image import VOLUME_CLASSES
from backend.exchange.case_geometry import case_affine
from backend.exchange.case_names import image_names, tail_of, without_extension
from backend.exchange.export_selection import ImageFrame, case_frames
from backend.exchange.foreign import ImageReference
from backend.exchange.formats.family import KnownImages
from backend.exchange.label_tables import table_path
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.pending_content import DIGEST
from backend.projects.models import Case, Project

_HELD: Final = 32


@dataclass(frozen=True, slots=True)
class Place:
    """What a name or UID stands for: a case, and one of its instances where it names one."""

    case_id: UUID
    instance_id: int | None = None
    index: int | None = None
    """0-based picture in reading order, where the name says one (`CT-0001/0012`)."""


class CaseIndex:
    """Looks up the cases of one project; names are indexed at the first question and after `forget`."""

    def __init__(self, project: Project, run: ImportRun | None = None) -> None:
        self._project = project
        self._run = run
        self._beside: dict[str, Place | None] | None = None
        self._names: dict[str, Place | None] | None = None
        self._cases: dict[str, UUID] = {}
        self._instances: dict[int, Instance] = {}
        self._held: OrderedDict[UUID, tuple[Case, list[ImageFrame]]] = OrderedDict()
        self._positions: dict[UUID, tuple[float, ...]] = {}

    def forget(self) -> None:
        """Cases have come in: index anew."""
        self._names = self._beside = None
        self._held.clear()
        self._positions.clear()

    def by_name(self, name: str) -> KnownImages | None:
        """`ReadContext.by_name`."""
        return self._known_at(self.place_of_name(name))

    def by_uid(self, uid: str) -> KnownImages | None:
        """`ReadContext.by_uid`."""
        return self._known_at(self.place_of_uid(uid) or self._place_of_series(uid))

    def known(self, case_id: UUID) -> KnownImages:
        """The pictures of a case."""
        case, frames = self.case(case_id)
        if case_id not in self._positions:
            if len(self._positions) >= _HELD:
                self._positions.clear()
            self._positions[case_id] = _slice_positions(frames)
        affine = case_affine(case, frames)
        is_hung = affine is not None and _is_of_volume(frames)
        return KnownImages(case.name, frames, affine, positions=self._positions[case_id], is_hung=is_hung)

    def find(self, reference: ImageReference) -> KnownImages | None:
        """`ReadContext.find`."""
        place = self.place_of(reference)
        known = self._known_at(place)
        return replace(known, asked=self.picture(place, reference.frame)[1]) if known and place else None

    def _known_at(self, place: Place | None) -> KnownImages | None:
        if place is None:
            return None
        known = self.known(place.case_id)
        asked = None
        if place.index is not None:
            asked = known.frames[place.index] if place.index < len(known.frames) else None
        elif len(own := [one for one in known.frames if place.instance_id in (None, one.instance_id)]) == 1:
            asked = own[0]
        return replace(known, asked=asked)

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
        frame."""
        place = self.place_of(reference)
        return self.picture(place, reference.frame) if place is not None else None

    def place_of(self, reference: ImageReference) -> Place | None:
        """What a reference stands for. Where it gives a UID its name is asked only among the files of the same import:
        equal names of two projects are different images."""
        uid = reference.sop_instance_uid
        if not uid:
            return self.place_of_name(reference.name)
        if uid.startswith(DIGEST):
            digest, _, named = uid.removeprefix(DIGEST).partition(" ")
            found = self.place_of_digest(digest) or (self._place_of_series(named) if named else None)
        else:
            found = self.place_of_uid(uid) or self._place_of_series(uid)
        return found or (self._place_beside(reference.name) if reference.name and self._run is not None else None)

    def _place_beside(self, name: str) -> Place | None:
        """A file of the same import by its name; one picture only, so its frames need no number."""
        if self._beside is None:
            self._beside = {}
            items = ImportItem.objects.filter(run=self._run, case__isnull=False, instance__isnull=False)
            for item, case_id, instance_id in items.values_list("name", "case_id", "instance_id").iterator(2000):
                _add_file(self._beside, item, Place(case_id, instance_id))
        return next((self._beside[key] for key in _tails(table_path(name)) if key in self._beside), None)

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
        """The one case of a series; None where it has several here. No study is asked for: in the LIDC-IDRI a series of one
        patient has the UID of another's study, and its readings would go there while its own images are not here."""
        archive = self._project.archive
        uids = (uid, keyed_uid(archive.key, "uid", uid))
        cases = Case.objects.filter(
            series__series_instance_uid__in=uids, series__study__archive=archive, project=self._project
        )
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

    def is_named(self, path: str) -> bool:
        """Whether a path is exactly that of an imported file, or its name a case's, both with or without extension."""
        if self._names is None:
            self._names = self._indexed()
        bare = without_extension(table_path(path))
        return path in self._names or f"{bare}." in self._names or tail_of(bare) in self._cases

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
            _add_file(names, name, Place(case_id, instance_id))
        rows = Case.objects.filter(project=self._project)
        self._cases = {}
        for pk, name, source, instance_id in rows.values_list("pk", "name", "source_name", "instance_id").iterator(2000):
            self._cases[name] = pk
            if source and instance_id is not None:
                _add(names, source, Place(pk, instance_id))
        return names


def _is_of_volume(frames: Sequence[ImageFrame]) -> bool:
    """Whether pictures come from a volume file."""
    return Instance.objects.filter(pk=frames[0].instance_id, sop_class_uid__in=VOLUME_CLASSES).exists()


def _slice_positions(frames: Sequence[ImageFrame]) -> tuple[float, ...]:
    """Where single-frame instances lie along their normal, in mm; nothing where one of them lies nowhere."""
    keys = [frame.instance_id for frame in frames]
    found = dict(Instance.objects.filter(pk__in=keys, number_of_frames=1).values_list("pk", "position"))
    known = [position for key in keys if (position := found.get(key)) is not None]
    return tuple(known) if len(known) == len(keys) else ()


def _tails(path: str) -> Iterator[str]:
    """The path and what follows each of its slashes, the longest first."""
    while path:
        yield path
        _, slash, path = path.partition("/")
        if not slash:
            return


def _add_file(names: dict[str, Place | None], name: str, place: Place) -> None:
    for one in image_names(table_path(name)):
        _add(names, one, place)


def _add(names: dict[str, Place | None], name: str, place: Place) -> None:
    path = table_path(name)
    for key in (*_tails(path), *(f"{tail}." for tail in _tails(without_extension(path)))):
        names[key] = place if names.get(key, place) == place else None
