"""A project and its cases: the thin face that scripts use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Unpack, cast

from .downloads import OnBytes, download, download_known
from .errors import OverreadError
from .foreign_model import ForeignModel
from .readings import Reading, fetch_readings
from .schema import (
    ExportFormat,
    ExportOrderRequest,
    ExportPreview,
    ExportRun,
    FindingType,
    FindingTypeInRequest,
    ImportFormat,
    ImportItem,
    ImportOptionsRequest,
    ImportRun,
    ModelRow,
    ModelVersion,
    Room,
    RoomInstance,
    Round,
    RoundRow,
    TrackEnum,
    WorklistRow,
)
from .schema import Project as ProjectDocument
from .transport import Transport
from .uploads import OnProgress, Progress, files_below, import_files, import_items, wait_for_import

ENDED_ROUNDS: Final = ("done", "failed", "cancelled")
_PAGE: Final = 200


class Case:
    """A case of a project; `row` is what the list says of it."""

    def __init__(self, transport: Transport, slug: str, row: WorklistRow) -> None:
        self.transport = transport
        self.slug = slug
        self.row = row
        self.id: str = row["id"]
        self.name: str = row["name"]
        self._room: Room | None = None

    def room(self) -> Room:
        """The case as the caller may see it, asked for once: images, own reading, what is shown of a model."""
        if self._room is None:
            self._room = cast(Room, self.transport.call("case_read", slug=self.slug, case_id=self.id))
        return self._room

    def images(self) -> list[RoomInstance]:
        """Its images in reading order: SOP Instance UID, rows, columns, number of frames, spacing."""
        return self.room()["series"]["instances"]

    def dicom(self, sop_instance_uid: str) -> bytes:
        """One of its images as a DICOM file (WADO-RS), uncompressed; `pydicom.dcmread(io.BytesIO(…))` reads it."""
        series = self.room()["series"]
        path = (
            f"{series['wado_root']}/studies/{series['study_instance_uid']}/series/{series['series_instance_uid']}"
            f"/instances/{sop_instance_uid}"
        )
        accept = {"Accept": "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"}
        return bytes(self.transport.request("GET", path, headers=accept).content)


class Project:
    """A project as its member sees it; `document` is what the server says of it."""

    def __init__(self, transport: Transport, document: ProjectDocument) -> None:
        self.transport = transport
        self.document = document
        self.slug: str = document["slug"]
        self.name: str = document["name"]

    # The vocabulary.

    def finding_types(self) -> list[FindingType]:
        """The vocabulary, retired entries included."""
        return cast(list[FindingType], self.transport.call("finding_type_list", slug=self.slug))

    def add_finding_type(self, **fields: Unpack[FindingTypeInRequest]) -> FindingType:
        """Add an entry to the vocabulary (name, scope, allowed_marks, attributes, …)."""
        return cast(FindingType, self.transport.call("finding_type_create", json=fields, slug=self.slug))

    # Images and labels in.

    def import_paths(
        self,
        paths: Iterable[str | Path],
        *,
        options: ImportOptionsRequest | None = None,
        resume: str = "",
        wait: bool = True,
        on_progress: OnProgress | None = None,
    ) -> ImportRun:
        """Import files and folders; `options` as on the import page (labels_file, masks_prefix, imported_reader, …).

        `resume` goes on with a run that was broken off. OverreadError where the import failed as a whole.
        """
        files = files_below(paths)
        return import_files(
            self.transport, self.slug, files, options=options, resume=resume, wait=wait, on_progress=on_progress
        )

    def import_run(self, run_id: str, *, wait: bool = False) -> ImportRun:
        """An import as it is now, or (`wait`) once it has ended."""
        if wait:
            return wait_for_import(self.transport, self.slug, run_id)
        return cast(ImportRun, self.transport.call("import_read", slug=self.slug, run_id=run_id))

    def import_items(self, run_id: str, state: str = "") -> Iterator[ImportItem]:
        """What became of each file of an import, worst first."""
        return import_items(self.transport, self.slug, run_id, state)

    # Cases and readings out.

    def cases(self, **filters: Any) -> Iterator[Case]:
        """The cases by name; `filters` are the worklist's (state, search, finding, split, …)."""
        start, total = 0, 1
        while start < total:
            query = {"order": "name", **filters, "offset": start, "limit": _PAGE}
            page = self.transport.call("worklist_read", query=query, slug=self.slug)
            for row in page["results"]:
                yield Case(self.transport, self.slug, row)
            start, total = start + _PAGE, page["total"]

    def readings(self, *, readers: Sequence[int] = (), finding_types: Sequence[int] = ()) -> list[Reading]:
        """Submitted readings with their marks as arrays; all at once in memory. Leads only, and never a blinded case's."""
        return fetch_readings(self.transport, self.slug, readers=readers, finding_types=finding_types)

    def download_labels(
        self,
        target: str | Path,
        *,
        form: Literal["coco", "masks"] = "coco",
        segmentation: Literal["rle", "polygon"] = "rle",
        on_bytes: OnBytes | None = None,
    ) -> Path:
        """Submitted readings as COCO JSON or as a zip of mask pictures, streamed to `target` without an export run."""
        if form == "masks":
            return download(self.transport, "export_masks", Path(target), on_bytes=on_bytes, slug=self.slug)
        query = {"segmentation": segmentation}
        return download(self.transport, "export_coco", Path(target), query=query, on_bytes=on_bytes, slug=self.slug)

    def import_formats(self) -> list[ImportFormat]:
        """The formats that readings of other programs come in, with the options of reading each."""
        return cast(list[ImportFormat], self.transport.call("import_formats", slug=self.slug))

    def export_formats(self) -> list[ExportFormat]:
        """The formats that readings go out in, with what each can carry."""
        return cast(list[ExportFormat], self.transport.call("export_formats", slug=self.slug))

    def preview_export(self, **order: Unpack[ExportOrderRequest]) -> ExportPreview:
        """How much an export would hold, and what its format cannot carry, before anything is written."""
        return cast(ExportPreview, self.transport.call("export_preview", json=order, slug=self.slug))

    def start_export(self, **order: Unpack[ExportOrderRequest]) -> ExportRun:
        """Have the server write an export (format, filter, options, pictures)."""
        return cast(ExportRun, self.transport.call("export_create", json=order, slug=self.slug))

    def export_run(self, export_id: str) -> ExportRun:
        """An export as it is now."""
        return cast(ExportRun, self.transport.call("export_read", slug=self.slug, export_id=export_id))

    def wait_for_export(self, export_id: str, *, seconds: float = 1.0, on_progress: OnProgress | None = None) -> ExportRun:
        """The export once it has ended; OverreadError where it failed or was cancelled."""
        while True:
            run = self.export_run(export_id)
            if on_progress is not None:
                on_progress(Progress("exporting", run["progress"]["done"], run["progress"]["total"]))
            if run["state"] == "done":
                return run
            if run["state"] not in ("queued", "running"):
                raise OverreadError(run["message"] or f"The export is {run['state']}.", code="export_failed", body=run)
            time.sleep(seconds)

    def download_export(self, export_id: str, target: str | Path, *, on_bytes: OnBytes | None = None) -> Path:
        """The zip archive of a finished export. A transfer that broke is gone on from, and its SHA-256 is checked."""
        run = self.export_run(export_id)
        if run["state"] != "done":
            raise OverreadError(f"The export is {run['state']}, there is no file.", code="no_file", body=run)
        return download_known(
            self.transport,
            "export_download",
            Path(target),
            size=run["size"],
            sha256=run["sha256"],
            on_bytes=on_bytes,
            slug=self.slug,
            export_id=export_id,
        )

    # Learning.

    def rounds(self) -> list[RoundRow]:
        """The rounds, the newest first."""
        return cast(list[RoundRow], self.transport.call("round_list", slug=self.slug))

    def round(self, number: int) -> Round:
        """One round as it is now."""
        return cast(Round, self.transport.call("round_read", slug=self.slug, number=number))

    def start_round(self, *, track: TrackEnum | None = None) -> Round:
        """Train on what has been submitted so far; Conflict with the reason where that makes no sense now."""
        return cast(Round, self.transport.call("round_start", json={"track": track} if track else {}, slug=self.slug))

    def watch_round(self, number: int, *, seconds: float = 2.0, on_change: Callable[[Round], None] | None = None) -> Round:
        """The round once it has ended; `on_change` is told of every new state. OverreadError where it failed."""
        state = ""
        while True:
            now = self.round(number)
            if now["state"] != state and on_change is not None:
                on_change(now)
            state = now["state"]
            if state == "failed":
                raise OverreadError(now["message"] or f"Round {number} failed.", code="round_failed", body=now)
            if state in ENDED_ROUNDS:
                return now
            time.sleep(seconds)

    def models(self) -> list[ModelRow]:
        """The model versions with their newest numbers on VALIDATION."""
        return cast(list[ModelRow], self.transport.call("model_list", slug=self.slug))

    def model(self, number: int) -> ModelVersion:
        """One version with all that was measured of it."""
        return cast(ModelVersion, self.transport.call("model_read", slug=self.slug, number=number))

    # Models from elsewhere.

    def foreign_model(
        self, name: str, version: str, *, description: str = "", display_threshold: float = 0.5
    ) -> ForeignModel:
        """Register a model that is run elsewhere as a reader; the one of this name and version where there is one."""
        wanted = {
            "name": name,
            "version": version,
            "description": description,
            "display_threshold": display_threshold,
        }
        document = self.transport.call("foreign_model_register", json=wanted, slug=self.slug)
        return ForeignModel(self.transport, self.slug, document, self.finding_types())

    def foreign_models(self) -> list[ForeignModel]:
        """The foreign models that are registered."""
        types = self.finding_types()
        listed = self.transport.call("foreign_model_list", slug=self.slug)
        return [ForeignModel(self.transport, self.slug, document, types) for document in listed]
