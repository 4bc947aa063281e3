"""Lets a version read cases: the unread POOL in chunks, and HOLDOUT for a look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TypeVar

from django.db.models import prefetch_related_objects

from backend.archive.models import Instance
from backend.jobs.services import Lease
from backend.learning.model_readings import CaseFound, store_masks, store_model_readings
from backend.learning.ranking import CaseMeasured
from backend.learning.selectors import unread_by
from backend.learning.vocabulary import Vocabulary
from backend.projects.models import Case, Split
from backend.registry.models import ModelState, ModelVersion
from backend.registry.services import record_evaluation
from workers.choosing import measured_row
from workers.cnn.candidates import Column
from workers.cnn.measures import Panel, measure_case
from workers.cnn.plan import Plan
from workers.cnn.predict import PredictedLesion, Predictions
from workers.datasets import CaseImages, UnreadableCase, case_found, decoded_case, frames_of_cases, fresh_entries
from workers.evaluating import measure_versions, version_numbers
from workers.networks import LoadedVersion, lesions_in, load_panel, load_version
from workers.picture_cache import forget_outdated
from workers.reporting import SECONDS_BETWEEN, Reporter

CHUNK: Final = 8
Read = tuple[Predictions, list[PredictedLesion]]
T = TypeVar("T")


def read_cases(
    version: ModelVersion,
    cases: list[Case],
    *,
    report: Reporter,
    on_chunk: Callable[[int, list[CaseMeasured]], None],
    needs: frozenset[Column] | None = None,
) -> None:
    """Store the version's readings of the cases chunk by chunk, and hand on what was measured of each case.

    Measured are the columns of `needs`; None where nothing is to be chosen. Nothing but these numbers outlives a chunk.
    While the network looks at one chunk, a thread beside it decodes the next, and another outlines the lesions of the one
    before and waits for the disk to hold them; the database is asked by the caller's thread alone.
    """
    loaded = load_version(version)
    panel = load_panel(version, needs) if needs is not None else None

    def store(chunk: _Chunk, outlined: _Outlined) -> None:
        measured = []
        if panel is not None:
            measured = _measured(loaded, chunk.images, outlined.said, panel, needs or frozenset(), version.display_threshold)
        report.check()
        store_model_readings(version=version, found=outlined.found, digests=outlined.digests)
        on_chunk(chunk.done, measured)

    with ThreadPoolExecutor(2, thread_name_prefix="beside-the-network") as beside:
        before: tuple[_Chunk, Future[_Outlined]] | None = None
        try:
            for chunk in _decoded(cases, loaded.plan, beside, report):
                said = loaded.say_all(chunk.images)
                outlined = beside.submit(_outline, chunk.images, said, loaded.vocabulary)
                if before is not None:
                    store(before[0], _result(before[1], report))
                before = chunk, outlined
            if before is not None:
                store(before[0], _result(before[1], report))
        finally:
            beside.shutdown(cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The images of some cases that could be decoded, and how many cases have been seen to with them."""

    images: list[CaseImages]
    done: int


def _decoded(cases: list[Case], plan: Plan, beside: Executor, report: Reporter) -> Iterator[_Chunk]:
    """The cases chunk by chunk, the next one decoded while the caller works on this one; what cannot be read is logged."""

    def begun(start: int) -> Future[tuple[list[CaseImages], list[str]]]:
        chunk = cases[start : start + CHUNK]
        prefetch_related_objects(chunk, "series")
        return beside.submit(_decode_chunk, chunk, frames_of_cases(chunk), plan)

    ahead = begun(0)
    for start in range(0, len(cases), CHUNK):
        images, unreadable = _result(ahead, report)
        ahead = begun(start + CHUNK)  # behind the last case: of none
        forget_outdated(fresh_entries(images))
        for line in unreadable:
            report.log(line)
        yield _Chunk(images, min(start + CHUNK, len(cases)))


def _decode_chunk(
    cases: Sequence[Case], frames: Sequence[list[tuple[Instance, int]]], plan: Plan
) -> tuple[list[CaseImages], list[str]]:
    """The images of those cases that can be decoded, and a sentence on each of the others."""
    found, unreadable = [], []
    for case, of_case in zip(cases, frames, strict=True):
        try:
            found.append(decoded_case(case, of_case, plan))
        except UnreadableCase as error:
            unreadable.append(str(error))
    return found, unreadable


@dataclass(frozen=True, slots=True)
class _Outlined:
    """What was said of some cases, and the same as rows to be, whose masks are stored under their digests."""

    said: list[Read]
    found: list[CaseFound]
    digests: list[list[str]]


def _outline(images: Sequence[CaseImages], said: Sequence[Predictions], vocabulary: Vocabulary) -> _Outlined:
    read = [(predictions, lesions_in(one, predictions)) for one, predictions in zip(images, said, strict=True)]
    found = [
        case_found(one, predictions, lesions, vocabulary=vocabulary)
        for one, (predictions, lesions) in zip(images, read, strict=True)
    ]
    return _Outlined(read, found, store_masks(found))


def _result(future: Future[T], report: Reporter) -> T:
    """What another thread found; hears of a cancellation while it works on a long series."""
    while not wait([future], timeout=SECONDS_BETWEEN).done:
        report.check()
    return future.result()


def _measured(
    loaded: LoadedVersion,
    chunk: Sequence[CaseImages],
    said: Sequence[Read],
    panel: Panel,
    needs: frozenset[Column],
    threshold: float,
) -> list[CaseMeasured]:
    """What was asked about each case of a chunk."""
    found = []
    for images, (predictions, lesions) in zip(chunk, said, strict=True):
        shown = sum(lesion.score >= threshold for lesion in lesions)
        of_case = measure_case(
            predictions, loaded.inputs(images), images.content, needs=needs, panel=panel, findings=shown,
            depth=images.depth(loaded.plan),
        )  # fmt: skip
        found.append(measured_row(images.case.pk, of_case))
    return found


class _ServesNoMore(Exception):
    """Another version has come to serve: what is left need not be read."""


def predict_pool(lease: Lease) -> None:
    """A version reads every unread POOL case that it has not read; stops where another version has come to serve."""
    version = ModelVersion.objects.select_related("project").get(pk=lease.job.arguments["version"])
    report = Reporter(lease)
    waiting = list(unread_by(version)) if version.state == ModelState.SERVES else []
    lease.result["cases"] = 0

    def on_chunk(done: int, measured: list[CaseMeasured]) -> None:
        lease.result["cases"] = done
        report.tell("predict", f"{done} of {len(waiting)} cases", done=done, total=len(waiting))
        # Readers see nothing more of this version, and the order of the one that serves waits behind this job.
        if not ModelVersion.objects.filter(pk=version.pk, state=ModelState.SERVES).exists():
            raise _ServesNoMore

    with suppress(_ServesNoMore):
        read_cases(version, waiting, report=report, on_chunk=on_chunk)


def evaluate_holdout(lease: Lease) -> None:
    """One look at HOLDOUT, for a released version."""
    version = ModelVersion.objects.select_related("project").get(pk=lease.job.arguments["version"])
    report, loaded = Reporter(lease), load_version(version)

    def on_case(done: int, total: int) -> None:
        if report.is_due():
            report.tell("evaluate", f"{done} of {total} cases", done=done, total=total)

    (cases,) = measure_versions(
        version.project, Split.HOLDOUT, [loaded], threshold=version.display_threshold, on_case=on_case
    )
    report.check()
    numbers = version_numbers(cases, version, Split.HOLDOUT)
    record_evaluation(version=version, split=Split.HOLDOUT, requested_by=lease.job.requested_by, **numbers)
    lease.result["cases"] = len(cases)
