"""Answers a question put to the labels: each training is kept when it has ended, so that another worker goes on there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from backend.jobs.services import JobCancelled, Lease
from backend.learning.inquiries import SCRATCH_SETTINGS, forget_parts, keep_answer, keep_part, trainings_of
from backend.learning.leading_metric import DICE
from backend.learning.models import EncoderChoice, Inquiry, InquiryKind
from backend.learning.selectors import policy_of
from backend.learning.vocabulary import vocabulary_of
from workers.command_line import NothingToDo
from workers.comparing import Comparison, verdict_of
from workers.doubting import Judging, most_doubted
from workers.networks import code_version
from workers.reporting import Reporter
from workers.scratch import ScratchTraining

SHOWN = 200
"""So many doubts of labels are kept: nobody looks at more of them again."""


def answer_inquiry(lease: Lease) -> None:
    """Carry an inquiry from the last training that ended to its answer."""
    inquiry = Inquiry.objects.select_related("project").get(pk=lease.job.arguments["inquiry"])
    if inquiry.answered_at is not None:
        return
    watch = _Watch(Reporter(lease), inquiry)
    try:
        answer = _compared(inquiry, watch) if inquiry.kind == InquiryKind.ARMS else _judged(inquiry, watch)
        watch.report.check()
    except JobCancelled:
        forget_parts(inquiry=inquiry)
        raise
    keep_answer(inquiry=inquiry, answer={**answer, "code_version": code_version()})


class _Watch:
    """Tells how far the trainings are, about how long the rest takes, and hears of a cancellation."""

    def __init__(self, report: Reporter, inquiry: Inquiry) -> None:
        self.report, self.inquiry = report, inquiry
        self.trainings = trainings_of(inquiry.kind)
        self._began, self._first = time.monotonic(), len(inquiry.parts)
        self.on_step(0, 1)

    def on_step(self, step: int, steps: int) -> None:
        """Called after each step of a training and each case that is measured."""
        if not self.report.is_due():
            return
        done = len(self.inquiry.parts)
        share = done + step / steps
        left: dict[str, float] = {}
        if share > self._first:
            pace = (time.monotonic() - self._began) / (share - self._first)
            left = {"seconds_left": round((self.trainings - share) * pace, 1)}
        number = min(done + 1, self.trainings)
        self.report.tell(
            *("train", f"{number} of {self.trainings}"), done=round(share, 3), total=self.trainings, training=number, **left
        )

    def keep(self, parts: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
        """Go through the trainings that are to do, keeping each; all parts, those from before too."""
        for part in parts:
            self.report.check()
            keep_part(inquiry=self.inquiry, part=part)
        return list(self.inquiry.parts)

    @property
    def scratch(self) -> ScratchTraining:
        """Trainings with the settings that were frozen when the question was asked."""
        policy = policy_of(self.inquiry.project)
        frozen = {"encoder": EncoderChoice.OWN, **self.inquiry.settings}  # Those from before there were others name none.
        for name in SCRATCH_SETTINGS:
            setattr(policy, name, frozen[name])
        return ScratchTraining(self.inquiry.project, policy, vocabulary_of(self.inquiry.project), self.on_step)


def _compared(inquiry: Inquiry, watch: _Watch) -> dict[str, Any]:
    size = inquiry.settings["size"]
    metric = inquiry.settings.get("metric", DICE)  # Those from before there was another name none.
    comparison = Comparison.of(watch.scratch, metric=metric, seeds=inquiry.settings["seeds"], labels=size)
    if comparison.size < size:
        raise NothingToDo(f"{size} readings of each kind were there when this was asked, {comparison.size} are now")
    verdict = verdict_of(inquiry.project, watch.keep(comparison.parts(inquiry.parts)), size=size, metric=metric)
    return {**verdict.as_dict(), "metric": metric, "n_labels": size}


def _judged(inquiry: Inquiry, watch: _Watch) -> dict[str, Any]:
    seed = inquiry.settings["seed"]
    judging = Judging.of(watch.scratch, folds=inquiry.settings["folds"], seed=seed)
    doubts = most_doubted(watch.keep(judging.parts(inquiry.parts)), seed=seed)
    return {
        "n_labels": len({one["reading"] for one in doubts}),
        "n_patients": judging.n_patients,
        "labels": doubts[:SHOWN],
    }
