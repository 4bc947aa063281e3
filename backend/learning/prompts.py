"""Click-to-segment: a reader points at a lesion, and the project's own network answers with its outline, or where the lead
allows it a general-purpose one that the operator brought.

Here it is decided who may ask; the pixels are looked at by a worker that keeps the network warm (`workers.prompting`).
A blinded reader is refused before any model is looked up, so that the refusal is the same whether there is one or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from backend.accounts.models import User
from backend.geometry.marks import TOLERANCE, InvalidMark
from backend.jobs.questions import ask
from backend.learning.models import GenericOutlines, TrainingPolicy
from backend.learning.selectors import policy_of
from backend.projects.models import Case, Project
from backend.projects.selectors import case_instances
from backend.readings.selectors import may_ask_model
from backend.registry.selectors import serving_version

TOPIC: Final = "prompts"
GENERIC_TOPIC: Final = "generic prompts"
"""Apart, for its embedding of an image may take seconds, which no click on another project's network should wait for."""
Points = Sequence[Sequence[float]]


class PromptRefused(Exception):
    """The model is not asked here and now; `code` is for programs, the message for people, `late` where it may be later."""

    def __init__(self, code: str, message: str, *, late: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.late = late


@dataclass(frozen=True, slots=True)
class Prompt:
    """Where a reader points on one frame (1-based): clicks on and off the lesion, strokes, a box; in SCOORD convention.

    A stroke is {positive, points}.
    """

    sop_instance_uid: str
    frame: int
    positive: Points
    negative: Points
    box: Points | None
    strokes: Sequence[Mapping[str, Any]] = ()

    def places(self) -> Iterator[Sequence[float]]:
        """All places of the image that it names."""
        yield from (*self.positive, *self.negative, *(self.box or ()))
        for stroke in self.strokes:
            yield from stroke["points"]


def segment(*, project: Project, case: Case, user: User, role: str, prompt: Prompt) -> dict[str, Any]:
    """The serving version's outline of what `user` points at; PromptRefused or InvalidMark with the reason where none.

    The mask is {origin, shape, runs}: as a lesion's, its run-length blob in base64; null where the network sees nothing.
    Of a general-purpose network `version` is null and `generic` the SHA-256 of its two files.
    """
    if not may_ask_model(user, case, role=role):
        raise PromptRefused("classical_only", "This case is read without the model.")
    instance_id, index = _place(case, prompt)
    serving = serving_version(project)
    version = serving if serving is not None and serving.config.get("prompts") else None
    generic = _asks_generic(policy_of(project), has_own=version is not None)
    if version is None and not generic:
        raise PromptRefused("no_prompts", "No model of this project has learned to answer clicks yet.")
    question = {
        "version": None if generic or version is None else version.pk,
        "serving": None if serving is None else serving.pk,
        "instance": instance_id,
        "frame": prompt.frame,
        "positive": [list(point) for point in prompt.positive],
        "negative": [list(point) for point in prompt.negative],
        "box": prompt.box and [list(point) for point in prompt.box],
        "strokes": [dict(stroke) for stroke in prompt.strokes],
    }
    said = ask(GENERIC_TOPIC if generic else TOPIC, question, seconds=settings.PROMPT_SECONDS)
    if said is None or "mask" not in said:
        raise PromptRefused("prompt_late", "The model does not answer now.", late=True)
    mask = said["mask"]
    return {
        "version": None if generic or version is None else version.number,
        "generic": said["generic"] if generic else None,
        "mask": mask and {**mask, "origin": [index, *mask["origin"]]},
    }


def _asks_generic(policy: TrainingPolicy, *, has_own: bool) -> bool:
    """Whether the general-purpose network is asked, where the installation still has one."""
    if not settings.SAM_ENCODER or policy.generic_outlines == GenericOutlines.OFF:
        return False
    return policy.generic_outlines == GenericOutlines.ALWAYS or not has_own


def _place(case: Case, prompt: Prompt) -> tuple[int, int]:
    """The instance's id and the frame's place (0-based) in series order; InvalidMark for what is not on the image."""
    before = 0
    fields = ("pk", "sop_instance_uid", "number_of_frames", "rows", "columns")
    for pk, uid, frames, rows, columns in case_instances(case).values_list(*fields):
        if uid != prompt.sop_instance_uid:
            before += frames
            continue
        if not 1 <= prompt.frame <= frames:
            raise InvalidMark(f"the image has frames 1 to {frames}, not {prompt.frame}")
        for column, row in prompt.places():
            if not (-TOLERANCE <= column <= columns + TOLERANCE and -TOLERANCE <= row <= rows + TOLERANCE):
                raise InvalidMark(f"({column:g}, {row:g}) lies outside the image of {columns} x {rows} pixels")
        return pk, before + prompt.frame - 1
    raise InvalidMark(f"the case has no image {prompt.sop_instance_uid}")
