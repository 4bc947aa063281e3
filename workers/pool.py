"""Lets a version read cases: the unread POOL in chunks, and HOLDOUT for a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from backend.jobs.services import Lease
from backend.learning.model_readings import store_model_readings
from backend.learning.ranking import CaseMeasured
from backend.learning.selectors import unread_by
from backend.projects.models import Case, Split
from backend.registry.models import ModelState, ModelVersion
from backend.registry.services import record_evaluation
from workers.choosing import measured_row
from workers.cnn.candidates import Column
from workers.cnn.measures import Panel, measure_case
from workers.cnn.plan import Plan
from workers.cnn.predict import PredictedLesion, Predictions
from workers.datasets import CaseImages, UnreadableCase, case_found, case_images
from workers.evaluating import measure_versions, version_numbers
from workers.networks import LoadedVersion, load_panel, load_version
from workers.reporting import Reporter

CHUNK: Final = 8
Read = tuple[Predictions, list[PredictedLesion]]


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
    """
    loaded = load_version(version)
    panel = load_panel(version, needs) if needs is not None else None
    for start in range(0, len(cases), CHUNK):
        report.check()
        chunk = _readable(cases[start : start + CHUNK], loaded.plan, report)
        said = loaded.read(chunk)
        found = [
            case_found(images, predictions, lesions, vocabulary=loaded.vocabulary)
            for images, (predictions, lesions) in zip(chunk, said, strict=True)
        ]
        measured = []
        if panel is not None:
            measured = _measured(loaded, chunk, said, panel, needs or frozenset(), version.display_threshold)
        report.check()
        store_model_readings(version=version, found=found)
        on_chunk(min(start + CHUNK, len(cases)), measured)


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


def _readable(cases: Sequence[Case], plan: Plan, report: Reporter) -> list[CaseImages]:
    """The images of those cases that can be decoded; the others go to the log."""
    found = []
    for case in cases:
        if report.is_due():
            report.check()
        try:
            found.append(case_images(case, plan))
        except UnreadableCase as error:
            report.log(str(error))
    return found


def predict_pool(lease: Lease) -> None:
    """A version reads every unread POOL case that it has not read; stops where another version has come to serve."""
    version = ModelVersion.objects.select_related("project").get(pk=lease.job.arguments["version"])
    report = Reporter(lease)
    waiting = list(unread_by(version)) if version.state == ModelState.SERVES else []

    def on_chunk(done: int, measured: list[CaseMeasured]) -> None:
        report.tell("predict", f"{done} of {len(waiting)} cases", done=done, total=len(waiting))

    read_cases(version, waiting, report=report, on_chunk=on_chunk)
    lease.result["cases"] = len(waiting)


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
