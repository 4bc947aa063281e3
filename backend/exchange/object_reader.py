"""Reads SEG, SR and RTSTRUCT files for a project in the decoding child, and says where its pictures lie."""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final
from uuid import UUID

from backend.archive.decode_child import DecodeChild
from backend.archive.models import DeidProfile, Instance, Series
from backend.archive.store import get_object, has_object, put_object
from backend.dicom.found import FindingSettings, FoundObject, decoded_object, encoded_object, with_uids
from backend.dicom.found_values import reader_pseudonym
from backend.dicom.marked import person_name
from backend.dicom.object_reading import KEPT
from backend.dicom.refusal import Refused
from backend.dicom.uids import keyed_uid
from backend.dicom.volumes import Plane, frame_plane
from backend.exchange.case_index import CaseIndex
from backend.exchange.export_selection import ImageFrame
from backend.exchange.foreign import ImageReference
from backend.exchange.formats.family import KnownImages
from backend.exchange.models import PendingReading, RememberedSegmentation
from backend.exchange.pending_content import archive_uid
from backend.projects.models import Case, Project
from backend.readings.models import Reader

MAX_OBJECT_BYTES: Final = 1024**3
_HELD: Final = 8


class ObjectReader:
    """`ObjectContext` of one project; a context that ends its child. `of_kept`: its files are those that waited here."""

    def __init__(self, project: Project, index: CaseIndex, *, of_kept: bool = False) -> None:
        self._project, self._index, self._of_kept = project, index, of_kept
        self._child: DecodeChild | None = None
        self._names: dict[str, str] | None = None
        self._planes: dict[tuple[int, ...], list[Plane | None]] = {}
        self._awaited: set[str] | None = None

    def __enter__(self) -> ObjectReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._child is not None:
            self._child.__exit__(kind, error, trace)

    def read(self, path: Path, threshold: float) -> FoundObject:
        """What an object says; Refused with the reason if it cannot be used."""
        if self._of_kept:
            data = path.read_bytes()
            try:
                return decoded_object(data.removeprefix(KEPT))
            except (ValueError, KeyError, TypeError, struct.error) as error:
                raise Refused("What was kept of it cannot be read any more.") from error
        if path.stat().st_size > MAX_OBJECT_BYTES:
            raise Refused(f"Too big: {path.stat().st_size >> 20} MB, the limit is {MAX_OBJECT_BYTES >> 20} MB.")
        if self._child is None:
            self._child = DecodeChild()
        archive = self._project.archive
        found = self._child.find_marks(path, FindingSettings(archive.key, archive.deid_profile, threshold))
        return replace(found, reader=self._known_reader(found.reader))

    def _known_reader(self, name: str) -> str:
        """Whose pseudonym it is, where that reader is known in this archive by name: our own exports find their readers."""
        archive = self._project.archive
        if archive.deid_profile == DeidProfile.NONE or not name:
            return name
        if self._names is None:
            names = Reader.objects.filter(project__archive=archive).values_list("name", flat=True).distinct()
            self._names = {reader_pseudonym(person_name(known), archive.key): known for known in names}
        return self._names.get(name, name)

    def locate(self, uid: str, frame: int) -> tuple[KnownImages, ImageFrame] | None:
        """The picture of a SOP Instance UID, original or stored, and its case."""
        found = self._index.locate(ImageReference(uid, frame)) if uid else None
        return (self._known(found[0]), found[1]) if found is not None else None

    def in_space(self, uid: str) -> Sequence[KnownImages]:
        """The cases whose series lie in a frame of reference."""
        if not uid:
            return []
        archive = self._project.archive
        uids = (uid, keyed_uid(archive.key, "uid", uid))
        series = Series.objects.filter(frame_of_reference_uid__in=uids, study__archive=archive)
        cases = Case.objects.filter(project=self._project, series__in=series).order_by("number")
        return [self._known(pk) for pk in cases.values_list("pk", flat=True)[:200]]

    def _known(self, case_id: UUID) -> KnownImages:
        """The pictures of a case; its grid is not asked for, the planes of pictures tell more."""
        case, frames = self._index.case(case_id)
        return KnownImages(case.name, frames, None)

    def planes(self, known: KnownImages) -> Sequence[Plane | None]:
        """Where each picture of a case lies, by its stored header."""
        key = tuple(dict.fromkeys(frame.instance_id for frame in known.frames))
        if key not in self._planes:
            headers = {
                pk: json.loads(encoded)
                for pk, encoded in Instance.objects.filter(pk__in=key).values_list("pk", "dicom_json").iterator(100)
            }
            self._planes[key] = [frame_plane(headers[frame.instance_id], frame.number) for frame in known.frames]
            while len(self._planes) > _HELD:
                del self._planes[next(iter(self._planes))]
        return self._planes[key]

    def aside(self, found: FoundObject) -> bytes:
        """The object as it is kept: under a de-identification profile with the UIDs that the archive stores."""
        archive = self._project.archive
        if archive.deid_profile != DeidProfile.NONE:
            found = with_uids(found, lambda uid: keyed_uid(archive.key, "uid", uid))
        return KEPT + encoded_object(found)

    def remember(self, found: FoundObject, reader: str) -> str:
        """Remember a segmentation for reports to come; whose reading was made of it alone when it came first."""
        if self._of_kept:
            known = self._row(found.sop_instance_uid)
            return known.reader if known is not None else ""
        data = zlib.compress(self.aside(found), 1)
        key = f"segmentations/{self._project.pk}/{hashlib.sha256(data).hexdigest()}"
        if not has_object(key):
            put_object(key=key, data=data)
        row, _ = RememberedSegmentation.objects.get_or_create(
            project=self._project,
            sop_instance_uid=archive_uid(found.sop_instance_uid, self._project.archive),
            defaults={"key": key, "reader": reader[:150]},
        )
        return row.reader

    def remembered(self, uid: str) -> tuple[FoundObject, str] | None:
        """The segmentation of a SOP Instance UID that came another time, and whose reading was made of it alone."""
        row = self._row(uid)
        if row is None:
            return None
        return decoded_object(zlib.decompress(get_object(row.key)).removeprefix(KEPT)), row.reader

    def _row(self, uid: str) -> RememberedSegmentation | None:
        # A report that waited here names what the archive would store.
        stored = uid if self._of_kept else archive_uid(uid, self._project.archive)
        return RememberedSegmentation.objects.filter(project=self._project, sop_instance_uid=stored).first()

    def is_awaited(self, uid: str) -> bool:
        """Whether a report that came before waits for a segmentation."""
        if self._of_kept:
            return False  # what waited here itself came before the report
        if self._awaited is None:
            rows = PendingReading.objects.filter(project=self._project, content__has_key="segmentations")
            self._awaited = {one for content in rows.values_list("content", flat=True) for one in content["segmentations"]}
        return archive_uid(uid, self._project.archive) in self._awaited
