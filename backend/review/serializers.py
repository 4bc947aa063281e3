"""What the review endpoints take and give; the outward ones only describe, selectors build the documents."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from backend.projects.models import Arm
from backend.readings.models import ReadingState, Verdict
from backend.review.models import ReviewDecision
from backend.review.selectors import STATES

DECIDED: Final = (ReviewDecision.AGREED, ReviewDecision.SENT_BACK)
CURSOR: Final = r"^\d{1,17}\.[0-9a-f]{32}$"


class ReviewQuerySerializer(serializers.Serializer[Any]):
    """Which part of the queue; with `case` every reading of that case, whatever its state."""

    state = serializers.ChoiceField(choices=STATES, default="waiting")
    reader = serializers.CharField(max_length=150, default="", allow_blank=True, help_text="Username of who read.")
    cursor = serializers.RegexField(CURSOR, default="", allow_blank=True, help_text="`next` of the page before.")
    case = serializers.UUIDField(default=None)


class DecideSerializer(serializers.Serializer[Any]):
    """A decision on a reading as it was at this revision; sending back asks for a comment."""

    reading = serializers.UUIDField()
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    decision = serializers.ChoiceField(choices=DECIDED)
    comment = serializers.CharField(max_length=500, default="", allow_blank=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Whoever gets a reading back is told why."""
        if attrs["decision"] == ReviewDecision.SENT_BACK and not attrs["comment"]:
            raise serializers.ValidationError({"comment": ["Say why it is sent back."]})
        return attrs


class BeginEditSerializer(serializers.Serializer[Any]):
    """The reading to edit, as it was at this revision."""

    reading = serializers.UUIDField()
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class BegunEditSerializer(serializers.Serializer[Any]):
    """The caller's own reading of the case, which begins from the reviewed one."""

    case = serializers.UUIDField()
    reading = serializers.UUIDField()


class ReviewPersonSerializer(serializers.Serializer[Any]):
    """Who read, or who reviewed."""

    username = serializers.CharField()
    name = serializers.CharField()


class ReviewCaseSerializer(serializers.Serializer[Any]):
    """The case that was read."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    number = serializers.IntegerField()
    modality = serializers.CharField()
    thumbnail = serializers.CharField()


class ReplacementSerializer(serializers.Serializer[Any]):
    """The reviewer's own reading that takes the place of the reviewed one once it is submitted."""

    reading = serializers.UUIDField()
    case = serializers.UUIDField()
    state = serializers.ChoiceField(choices=ReadingState.choices)


class ReviewSerializer(serializers.Serializer[Any]):
    """What was decided of the reading's present revision; an edit counts once its replacement is submitted."""

    decision = serializers.ChoiceField(choices=ReviewDecision.choices)
    comment = serializers.CharField(allow_blank=True)
    reviewer = ReviewPersonSerializer()
    decided_at = serializers.DateTimeField()
    is_mine = serializers.BooleanField()
    replacement = ReplacementSerializer(allow_null=True)


class ReviewRowSerializer(serializers.Serializer[Any]):
    """A reading with its review; one that was sent back as it was then, without a time of submission."""

    reading = serializers.UUIDField()
    revision = serializers.IntegerField()
    case = ReviewCaseSerializer()
    reader = ReviewPersonSerializer()
    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_blank=True)
    n_lesions = serializers.IntegerField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    arm = serializers.ChoiceField(choices=Arm.choices, help_text="In which its reader read the case.")
    may_send_back = serializers.BooleanField()
    review = ReviewSerializer(allow_null=True)


class ReviewCountsSerializer(serializers.Serializer[Any]):
    """Readings by what became of them, of all readers."""

    waiting = serializers.IntegerField()
    reviewed = serializers.IntegerField()
    sent_back = serializers.IntegerField()


class ReviewQueueSerializer(serializers.Serializer[Any]):
    """A page of the queue; waiting ones the oldest first, others the newest first."""

    results = ReviewRowSerializer(many=True)
    next = serializers.CharField(allow_null=True)
    counts = ReviewCountsSerializer()
    readers = ReviewPersonSerializer(many=True)


class ReviewRefusalSerializer(serializers.Serializer[Any]):
    """Why nothing was decided."""

    detail = serializers.CharField()
    code = serializers.CharField()
