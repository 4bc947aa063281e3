"""Questions put to the labels as the API tells them."""

from __future__ import annotations

from typing import Any

from backend.jobs.models import JobState
from backend.learning.inquiries import (
    InquiryRefused,
    expected_seconds,
    newest_answer,
    newest_inquiry,
    refuse_if_pointless,
    trainings_of,
)
from backend.learning.models import Inquiry
from backend.learning.selectors import policy_of
from backend.projects.models import Project


def inquiry_document(project: Project, kind: str) -> dict[str, Any]:
    """Whether the question can be asked, at which cost, how far it is, and what was last answered (without its cases)."""
    newest, answered = newest_inquiry(project, kind), newest_answer(project, kind)
    job = newest.job if newest else None
    return {
        "kind": kind,
        "state": job.state if job else None,
        "error": job.error if job and job.state == JobState.FAILED else "",
        "refusal": _refusal(project, kind),
        "trainings": trainings_of(kind),
        "steps": policy_of(project).steps_scratch,
        "expected_seconds": expected_seconds(project, kind),
        "progress": {name: value for name, value in (job.progress if job else {}).items() if name != "details"},
        "answer": _answer(answered) if answered else None,
    }


def _refusal(project: Project, kind: str) -> dict[str, Any] | None:
    try:
        refuse_if_pointless(project, kind)
    except InquiryRefused as refused:
        return {"code": refused.code, "detail": str(refused), "counts": refused.counts}
    return None


def _answer(inquiry: Inquiry) -> dict[str, Any]:
    asked = {name: inquiry.settings[name] for name in ("versions", "acquisitions") if name in inquiry.settings}
    told = {name: value for name, value in (inquiry.answer or {}).items() if name not in ("labels", "code_version")}
    return {
        **told,
        **asked,
        "answered_at": inquiry.answered_at,
        "asked_by": inquiry.asked_by.get_username() if inquiry.asked_by else None,
    }
