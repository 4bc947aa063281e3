"""Questions put to the labels: asked by a lead, answered by a worker training by training, stopped, and kept."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.jobs.models import Job, JobState
from backend.jobs.selectors import ACTIVE
from backend.jobs.services import cancel_job, enqueue_job
from backend.learning.leading_metric import (
    FINDINGS_AUC,
    measured_findings,
    nearest_counts,
    project_metric,
    validation_truth,
)
from backend.learning.models import AcquisitionScore, Inquiry, InquiryKind, Round, RoundState, TrainingPolicy
from backend.learning.selectors import arm_sizes, labels, policy_of
from backend.learning.vocabulary import vocabulary_of
from backend.metrics.intervals import MIN_PATIENTS, MIN_POSITIVE
from backend.projects.models import Project, Split
from backend.readings.models import Verdict

SEEDS: Final = 5
FOLDS: Final = 2
MIN_ARM_LABELS: Final = 20
SCRATCH_SETTINGS: Final = ("dimension", "image_size", "encoder", "steps_scratch")
"""What of the policy decides how a network is trained from scratch."""


class InquiryRefused(Exception):
    """It cannot be asked now; `code` is for programs, the message for people, `counts` are the numbers in it."""

    def __init__(self, code: str, message: str, **counts: int) -> None:
        super().__init__(message)
        self.code, self.counts = code, counts


def newest_inquiry(project: Project, kind: str) -> Inquiry | None:
    """The last one asked, whatever became of it."""
    rows = Inquiry.objects.filter(project=project, kind=kind).defer("parts", "answer")
    return rows.select_related("job", "asked_by").first()


def newest_answer(project: Project, kind: str) -> Inquiry | None:
    """The last one that was answered."""
    rows = Inquiry.objects.filter(project=project, kind=kind, answered_at__isnull=False).defer("parts")
    return rows.select_related("asked_by").first()


def trainings_of(kind: str) -> int:
    """How many trainings from scratch the answer takes."""
    return 2 * SEEDS if kind == InquiryKind.ARMS else FOLDS


def expected_seconds(project: Project, kind: str) -> float | None:
    """What the trainings should take the training worker, judged by the last round; None before there was one.

    A step costs as the image's area. Measuring between the trainings is not counted; it is small beside them.
    """
    policy = policy_of(project)
    for round_ in Round.objects.filter(project=project, state=RoundState.DONE).select_related("job")[:1]:
        elapsed = round_.job.progress.get("elapsed") if round_.job else None
        if elapsed:
            before = round_.settings["image_size"]
            a_step = elapsed / round_.settings["steps"] * ((policy.image_size or before) / before) ** 2
            return float(round(a_step * policy.steps_scratch * trainings_of(kind), 1))
    return None


def refuse_if_pointless(project: Project, kind: str) -> None:
    """InquiryRefused where no training could answer it, or one is at it."""
    live = newest_inquiry(project, kind)
    if live is not None and live.job is not None and live.job.state in ACTIVE:
        raise InquiryRefused("inquiry_running", "This is being answered already.")
    if kind == InquiryKind.ARMS:
        _refuse_thin_arms(project)
        return
    patients = labels(project, Split.POOL).values("case__group_key").distinct().count()
    if patients < FOLDS:
        raise InquiryRefused(
            "few_patients", f"{patients} patients with a label: each is judged by a model of the others.", patients=patients
        )


def _refuse_thin_arms(project: Project) -> None:
    chosen, random = arm_sizes(project)
    if min(chosen, random) < MIN_ARM_LABELS:
        raise InquiryRefused(
            "few_labels",
            f"{chosen} readings of chosen cases and {random} of random ones: {MIN_ARM_LABELS} of each are needed.",
            chosen=chosen,
            random=random,
            needed=MIN_ARM_LABELS,
        )
    if project_metric(project) == FINDINGS_AUC:
        _refuse_thin_findings(project)
        return
    marked = labels(project, Split.VALIDATION).filter(verdict=Verdict.LESIONS)
    cases = marked.values("case").distinct().count()
    patients = marked.values("case__group_key").distinct().count()
    if cases < MIN_POSITIVE or patients < MIN_PATIENTS:
        raise InquiryRefused(
            "few_validation",
            f"{cases} VALIDATION cases with lesions, of {patients} patients: {MIN_POSITIVE} of {MIN_PATIENTS} are needed.",
            cases=cases,
            patients=patients,
            needed=MIN_POSITIVE,
            needed_patients=MIN_PATIENTS,
        )


def _refuse_thin_findings(project: Project) -> None:
    """Where findings of the whole image are all that can be measured, one of them at least must be."""
    cases = validation_truth(project, vocabulary_of(project))
    if measured_findings(cases):
        return
    best = nearest_counts(cases)
    raise InquiryRefused(
        "few_findings",
        f"At best {best['present']} VALIDATION cases show a finding and {best['absent']} do not, "
        f"of {best['patients']} patients: {MIN_POSITIVE} of each are needed, of {MIN_PATIENTS} patients.",
        **best,
        needed=MIN_POSITIVE,
        needed_patients=MIN_PATIENTS,
    )


def ask_inquiry(*, project: Project, kind: str, by: User) -> Inquiry:
    """Queue the trainings; InquiryRefused with the reason where they would answer nothing."""
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        refuse_if_pointless(project, kind)
        made = Inquiry.objects.create(
            project=project, kind=kind, asked_by=by, settings=_settings(project, kind, policy_of(project))
        )
        made.job = enqueue_job(
            task="learning.answer_inquiry",
            queue="train",
            project_id=project.pk,
            requested_by=by,
            arguments={"inquiry": made.pk, "kind": kind},
        )
        made.save(update_fields=["job"])
        _record(made, "inquiry.started", by)
    return made


def _settings(project: Project, kind: str, policy: TrainingPolicy) -> dict[str, Any]:
    """Frozen: a later change of the policy does not reach the trainings that are still to come."""
    common = {name: getattr(policy, name) for name in SCRATCH_SETTINGS}
    if kind == InquiryKind.LABELS:
        return {**common, "folds": FOLDS, "seed": policy.seed}
    acquired = AcquisitionScore.objects.filter(round__project=project, arm="acquired", case__readings__isnull=False)
    chosen_by = set(acquired.values_list("model_version__number", "acquisition"))
    return {
        **common,
        "metric": project_metric(project),
        "seeds": SEEDS,
        "size": min(arm_sizes(project)),
        "versions": sorted({number for number, _ in chosen_by}),
        "acquisitions": sorted({name for _, name in chosen_by}),
    }


def keep_part(*, inquiry: Inquiry, part: dict[str, Any]) -> None:
    """A training has ended: another worker would go on after it."""
    inquiry.parts = [*inquiry.parts, part]
    Inquiry.objects.filter(pk=inquiry.pk).update(parts=inquiry.parts)


def forget_parts(*, inquiry: Inquiry) -> None:
    """Nobody will go on with it."""
    Inquiry.objects.filter(pk=inquiry.pk).update(parts=[])


def keep_answer(*, inquiry: Inquiry, answer: dict[str, Any]) -> None:
    """The answer, for as long as the project lives."""
    with transaction.atomic():
        Inquiry.objects.filter(pk=inquiry.pk).update(answer=answer, parts=[], answered_at=timezone.now())
        _record(inquiry, "inquiry.answered", None)


def cancel_inquiry(*, inquiry: Inquiry, by: User) -> None:
    """Stop it: one that waits ends at once, one that runs when its worker next looks (within seconds)."""
    job: Job | None = inquiry.job
    if job is None or job.state not in ACTIVE:
        return
    _record(inquiry, "inquiry.cancel_asked", by)
    if cancel_job(job=job, by=by).state == JobState.CANCELLED:
        forget_parts(inquiry=inquiry)


def _record(inquiry: Inquiry, verb: str, by: User | None) -> None:
    record_event(
        actor=by, verb=verb, project_id=inquiry.project_id, object_type="inquiry", object_id=inquiry.pk,
        detail={"kind": inquiry.kind},
    )  # fmt: skip
