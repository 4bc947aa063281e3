"""The round-trip proof: an export is imported into an empty project and compared with what went out, mark by mark.

The empty project reads from the same archive and has the cases of the export, no finding types and no readings; it is
deleted afterwards. Everything the format can carry is compared: masks voxel by voxel, points to 0.01 pixel, types,
attributes, findings of the whole image, readers. What the format cannot carry is listed, never compared.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from backend.accounts.models import User
from backend.archive.scratch import ScratchFolder
from backend.archive.store import delete_object, read_pieces
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.exchange.comparison import TOLERANCE, Proof, ReadingPair, compare_reading
from backend.exchange.export_runs import keep_archive, product_version
from backend.exchange.export_selection import ExportCase, case_frames, filter_of
from backend.exchange.export_zip import MANIFEST
from backend.exchange.format_registry import Format, written_format
from backend.exchange.formats.family import Carries
from backend.exchange.losses import loss_sentence
from backend.exchange.models import ExportRun, ExportState, PendingReading, RememberedSegmentation
from backend.exchange.reading_import import ReadingOptions, ReadingOutcome, import_foreign_readings
from backend.exchange.sources import Source
from backend.jobs.models import Job
from backend.jobs.services import JobCancelled, Lease, enqueue_job, is_cancelled, report_progress
from backend.projects.models import Case, FindingType, Project
from backend.readings.models import Lesion, Reading

REPORT: Final = "verification.json"
REPORT_TEXT: Final = "verification.txt"
_CHUNK: Final = 50
_DATE: Final = (1980, 1, 1, 0, 0, 0)


def start_verification(*, run: ExportRun, by: User) -> Job:
    """Hand the proof of a finished export to a worker; one at a time."""
    if run.state != ExportState.DONE:
        raise Refused("Only a finished export can be verified.")
    if written_format(run.format).read is None:
        raise Refused("This format is not read, so nothing can be compared.")
    with transaction.atomic():
        locked = ExportRun.objects.select_for_update(of=("self",)).select_related("verification_job").get(pk=run.pk)
        job = locked.verification_job
        if job is None or job.state not in ("queued", "running"):
            job = enqueue_job(
                task="exchange.run_verification",
                queue="default",
                project_id=run.project_id,
                requested_by=by,
                arguments={"export_run": str(run.pk)},
            )
            ExportRun.objects.filter(pk=run.pk).update(verification_job=job)
            record_event(
                actor=by, verb="export.verification_started", project_id=run.project_id, object_type="export",
                object_id=run.pk,
            )  # fmt: skip
    run.verification_job = job
    return job


def run_verification(lease: Lease) -> None:
    """The worker's side of `start_verification`."""
    run = ExportRun.objects.select_related("project__archive", "created_by").get(pk=UUID(lease.job.arguments["export_run"]))

    def on_step(done: int, total: int) -> None:
        if is_cancelled(lease):
            raise JobCancelled
        report_progress(lease, done=done, total=total)

    report = verify_export(run=run, on_step=on_step)
    lease.result.update(ok=report["ok"], differences=report["n_differences"])


def verify_export(*, run: ExportRun, on_step: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Prove a finished export; its report is kept with the run and added to the archive. Refused where it cannot be read."""
    one = written_format(run.format)
    if one.read is None or run.state != ExportState.DONE:
        raise Refused("Only a finished export of a format that is read can be verified.")
    with ScratchFolder("verify-") as scratch:
        path = scratch / "export.zip"
        with path.open("wb") as sink:
            for piece in read_pieces(run.key, 0, run.size):
                sink.write(piece)
        report = _verified(run, one, path, scratch, on_step or (lambda done, total: None))
        _add_report(path, report)
        run.verification = report
        keep_archive(run, path)
    record_event(
        actor=None, verb="export.verified", project_id=run.project_id, object_type="export", object_id=run.pk,
        detail={"ok": report["ok"], "readings": report["readings"], "differences": report["n_differences"]},
    )  # fmt: skip
    return report


def _verified(run: ExportRun, one: Format, path: Path, scratch: Path, on_step: Callable[[int, int], None]) -> dict[str, Any]:
    sources, manifest = _unpacked(path, scratch)
    told: list[dict[str, Any]] = manifest["readings"]
    twin = _empty_twin(run, sorted({reading["case"] for reading in told}))
    try:
        outcome = import_foreign_readings(
            project=twin,
            sources=sources,
            chosen=ReadingOptions(format=one.name, options=run.options),
            by=None,
            on_reading=lambda count: on_step(min(count, len(told)), 2 * len(told)),
        )
        proof = _compared(run, twin, one.carries, told, lambda done: on_step(len(told) + done, 2 * len(told)))
        _tell_import(proof, outcome)
    finally:
        _delete_twin(twin.pk)
        ExportRun.objects.filter(pk=run.pk).update(verification_project=None)
    return _report(run, one, proof)


def _unpacked(path: Path, scratch: Path) -> tuple[list[Source], dict[str, Any]]:
    """The files of our own archive, each in a file without a name of its own, and the manifest."""
    sources: list[Source] = []
    manifest: dict[str, Any] = {}
    with zipfile.ZipFile(path) as archive:
        for number, info in enumerate(archive.infolist()):
            if info.filename == MANIFEST:
                manifest = json.loads(archive.read(info))
                continue
            if info.filename in (REPORT, REPORT_TEXT):
                continue
            tail = info.filename.rsplit("/", 1)[-1]
            target = scratch / f"{number}{tail[tail.find('.') :] if '.' in tail else ''}"
            with archive.open(info) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            sources.append(Source(info.filename, target, size=info.file_size))
    _check_files(manifest, {source.name: source.path for source in sources})
    return sources, manifest


def _check_files(manifest: Mapping[str, Any], paths: Mapping[str, Path]) -> None:
    """Every file is there, with the bytes that the manifest says, and no other."""
    for name in paths.keys() - {entry["path"] for entry in manifest["files"]}:
        raise Refused(f"The export's manifest does not name its file {name}.")
    for entry in manifest["files"]:
        path = paths.get(entry["path"])
        if path is None:
            raise Refused(f"The export lacks its file {entry['path']}.")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                raise Refused(f"The export's file {entry['path']} has other bytes than its manifest says.")


def _empty_twin(run: ExportRun, names: Sequence[str]) -> Project:
    """A project of the same archive with the cases of the export and nothing else; it has no members, so nobody sees it."""
    project = run.project
    twin_id = uuid4()
    ExportRun.objects.filter(pk=run.pk).update(verification_project=twin_id)
    with transaction.atomic():
        twin = Project.objects.create(
            id=twin_id, slug=f"proof-{twin_id}"[:50], name=f"Proof of an export of {project.name}"[:120],
            modality=project.modality, unit=project.unit, archive=project.archive, synthetic=project.synthetic,
        )  # fmt: skip
        for start in range(0, len(names), 500):
            cases = Case.objects.filter(project=project, name__in=names[start : start + 500])
            Case.objects.bulk_create(
                Case(
                    project=twin, series_id=case.series_id, instance_id=case.instance_id, number=case.number, name=case.name,
                    split=case.split, group_key=case.group_key, is_open=False,
                )
                for case in cases
            )  # fmt: skip
    return twin


def _delete_twin(pk: UUID) -> None:
    """Delete a proof's project: lesions before the types they name, readings before their readers."""
    with transaction.atomic():
        Lesion.objects.filter(reading__case__project_id=pk).delete()
        Reading.objects.filter(case__project_id=pk).delete()
        PendingReading.objects.filter(project_id=pk).delete()
        segmentations = RememberedSegmentation.objects.filter(project_id=pk)
        for key in set(segmentations.values_list("key", flat=True)):
            delete_object(key)
        segmentations.delete()
        Project.objects.filter(pk=pk).delete()


def tidy_verifications() -> None:
    """Delete the projects of proofs whose worker was lost."""
    left = ExportRun.objects.filter(verification_project__isnull=False).select_related("verification_job")
    for run in left:
        if run.verification_job is None or run.verification_job.state not in ("queued", "running"):
            assert run.verification_project is not None
            _delete_twin(run.verification_project)
            ExportRun.objects.filter(pk=run.pk).update(verification_project=None)


def _compared(
    run: ExportRun, twin: Project, carries: Carries, told: Sequence[Mapping[str, Any]], on_step: Callable[[int], None]
) -> Proof:
    """Compare the twin's readings with those that went out, a few cases at a time."""
    proof = Proof()
    chosen = filter_of(run.filter)
    image_types = _type_names(run.project), _type_names(twin)
    by_case: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for reading in told:
        by_case[reading["case"]].append(reading)
    for done, (name, entries) in enumerate(by_case.items()):
        case = Case.objects.select_related("series").get(project=run.project, name=name)
        frames = case_frames(case)
        ours = _readings(case, [entry["id"] for entry in entries], chosen.finding_types)
        found = {reading.reader.name: reading for reading in _readings_of_case(Case.objects.get(project=twin, name=name))}
        for entry in entries:
            original = ours.get(entry["id"])
            if original is None or original.revision != entry["revision"]:
                proof.changed += 1
                continue
            item = ReadingPair(ExportCase(case, frames), entry["reader"], original, found.pop(entry["reader"], None))
            compare_reading(proof, carries, item, image_types)
        for reader in found:
            proof.differs(f"{name}: a reading of {reader} came back that did not go out.")
        if done % _CHUNK == 0:
            on_step(sum(len(by_case[one]) for one in list(by_case)[:done]))
    return proof


def _readings(case: Case, ids: Sequence[str], finding_types: Sequence[int]) -> dict[str, Reading]:
    lesions = Lesion.objects.select_related("finding_type").order_by("created_at", "id")
    if finding_types:
        lesions = lesions.filter(finding_type_id__in=finding_types)
    found = Reading.objects.filter(case=case, pk__in=ids).select_related("reader")
    return {
        str(reading.pk): reading
        for reading in found.prefetch_related(Prefetch("lesions", queryset=lesions, to_attr="exported_lesions"))
    }


def _readings_of_case(case: Case) -> list[Reading]:
    lesions = Prefetch("lesions", queryset=Lesion.objects.select_related("finding_type"), to_attr="exported_lesions")
    return list(Reading.objects.filter(case=case).select_related("reader").prefetch_related(lesions))


def _type_names(project: Project) -> dict[int, str]:
    return dict(FindingType.objects.filter(project=project).values_list("pk", "name"))


def _tell_import(proof: Proof, outcome: ReadingOutcome) -> None:
    """What the import itself said."""
    for source, reason in outcome.refused:
        proof.differs(f"{source}: refused at the import: {reason}")
    if outcome.waiting:
        proof.differs(f"{outcome.waiting} readings did not find their images.")


def _report(run: ExportRun, one: Format, proof: Proof) -> dict[str, Any]:
    compared = ["types", "readers"]
    compared += ["attributes"] if one.carries.attributes else []
    compared += ["codes"] if one.carries.codes else []
    compared += ["findings of the whole image"] if one.carries.image_findings else []
    compared += ["readings without a lesion"] if one.carries.no_lesion else []
    compared += ["measurements"] if one.carries.measurements else []
    compared += ["slices that were looked at"] if one.carries.slices_read else []
    return {
        "ok": proof.n_differences == 0 and proof.readings > 0,
        "format": one.name,
        "product_version": product_version(),
        "verified_at": timezone.now().isoformat(timespec="seconds"),
        "readings": proof.readings,
        "lesions": proof.lesions,
        "voxels": proof.voxels,
        "furthest_pixels": round(proof.furthest, 6),
        "tolerance_pixels": TOLERANCE,
        "compared": ["pixels" if not one.carries.instances else "geometry", *compared],
        "changed_since": proof.changed,
        "n_differences": proof.n_differences,
        "differences": proof.differences,
        "lost": [loss_sentence(loss) for loss in run.losses],
    }


def report_lines(report: Mapping[str, Any]) -> list[str]:
    """The report for people."""
    head = "identical" if report["ok"] else f"{report['n_differences']} differences"
    lines = [
        f"Round trip in {report['format']}: {head}.",
        f"{report['readings']} readings, {report['lesions']} lesions, {report['voxels']} voxels compared "
        f"({', '.join(report['compared'])}); points moved by at most {report['furthest_pixels']:g} pixels.",
    ]
    if report["changed_since"]:
        lines.append(f"{report['changed_since']} readings were changed since the export and not compared.")
    lines += [f"Not carried: {line}" for line in report["lost"]]
    return [*lines, *report["differences"]]


def _add_report(path: Path, report: Mapping[str, Any]) -> None:
    """Put the report into the archive; an earlier one is left behind by copying the rest."""
    with zipfile.ZipFile(path) as archive:
        proved_before = REPORT in archive.namelist()
    if proved_before:
        _without_report(path)
    text = {REPORT: json.dumps(report, ensure_ascii=False, indent=1), REPORT_TEXT: "\n".join(report_lines(report)) + "\n"}
    with zipfile.ZipFile(path, "a", allowZip64=True) as archive:
        for name, content in text.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)


def _without_report(path: Path) -> None:
    copy = path.with_name("copy.zip")
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(copy, "w", allowZip64=True) as kept:
        for info in archive.infolist():
            if info.filename in (REPORT, REPORT_TEXT):
                continue
            own = zipfile.ZipInfo(info.filename, _DATE)
            own.compress_type = info.compress_type
            with archive.open(info) as source, kept.open(own, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    copy.replace(path)
