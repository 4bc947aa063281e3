"""Lets a version read cases: the unread POOL in chunks, and HOLDOUT for a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np

from backend.jobs.services import Lease
from backend.learning.model_readings import store_model_readings
from backend.learning.selectors import unread_by
from backend.projects.models import Case, Split
from backend.registry.models import ModelState, ModelVersion
from backend.registry.services import record_evaluation
from workers.cnn.acquisition import ACQUISITIONS
from workers.cnn.predict import Predictions
from workers.datasets import CaseImages, UnreadableCase, case_found, case_images
from workers.evaluating import measure_versions, version_numbers
from workers.networks import load_version
from workers.reporting import Reporter

CHUNK: Final = 8


def read_cases(
    version: ModelVersion,
    cases: list[Case],
    *,
    report: Reporter,
    settings_: dict[str, Any],
    on_chunk: Callable[[int, dict[UUID, float]], None],
) -> None:
    """Store the version's readings of the cases chunk by chunk, and hand each chunk's acquisition scores on."""
    loaded = load_version(version)
    for start in range(0, len(cases), CHUNK):
        report.check()
        chunk = _readable(cases[start : start + CHUNK], loaded.image_size, report)
        said = loaded.read(chunk)
        found = [
            case_found(images, predictions, lesions, vocabulary=loaded.vocabulary)
            for images, (predictions, lesions) in zip(chunk, said, strict=True)
        ]
        scores = {
            images.case.pk: _score(predictions, images.case, settings_)
            for images, (predictions, _) in zip(chunk, said, strict=True)
        }
        report.check()
        store_model_readings(version=version, found=found)
        on_chunk(min(start + CHUNK, len(cases)), scores)


def _readable(cases: Sequence[Case], size: int, report: Reporter) -> list[CaseImages]:
    """The images of those cases that can be decoded; the others go to the log."""
    found = []
    for case in cases:
        if report.is_due():
            report.check()
        try:
            found.append(case_images(case, size=size))
        except UnreadableCase as error:
            report.log(str(error))
    return found


def _score(predictions: Predictions, case: Case, settings_: dict[str, Any]) -> float:
    """The acquisition score: of a series over the pixels of all slices together."""
    generator = np.random.default_rng([settings_["seed"], case.number])
    return float(ACQUISITIONS[settings_["acquisition"]](np.moveaxis(predictions.types, 0, 1)[None], generator)[0])


def predict_pool(lease: Lease) -> None:
    """A version reads every unread POOL case that it has not read; stops where another version has come to serve."""
    version = ModelVersion.objects.select_related("project").get(pk=lease.job.arguments["version"])
    report = Reporter(lease)
    waiting = list(unread_by(version)) if version.state == ModelState.SERVES else []

    def on_chunk(done: int, scores: dict[UUID, float]) -> None:
        report.tell("predict", f"{done} of {len(waiting)} cases", done=done, total=len(waiting))

    read_cases(version, waiting, report=report, settings_={"seed": 0, "acquisition": "random"}, on_chunk=on_chunk)
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
