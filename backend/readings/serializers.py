"""What the reading endpoints take and give; the outward ones only describe, selectors build the documents."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from backend.geometry.measurements import POINTS as MEASUREMENT_POINTS
from backend.projects.models import Arm, AssignmentState, Role, Split, Unit
from backend.readings.lesion_check import MAX_STROKES
from backend.readings.models import DecisionKind, Look, MarkKind, Origin, ReaderKind, ReadingState, Verdict
from backend.readings.worklist_selectors import LISTED, ORDERS, STATES

CLIENT_ORIGINS = (Origin.DRAWN, Origin.ACCEPTED, Origin.EDITED, Origin.REVIEWED)
REASON_KINDS = ("random", "uncertain", "likely", "different", "imported", "first")


@extend_schema_field({"type": "array", "items": {"type": "array", "items": {"type": "number"}}})
class PointsField(serializers.JSONField):
    """[[column, row], …] in SCOORD convention; checked by `backend.geometry.marks`, a freehand has thousands."""

    def to_internal_value(self, data: Any) -> Any:
        """As it came: the request was JSON, to write it as JSON again proves nothing."""
        return data


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class AttributesField(serializers.DictField):
    """Attribute name → value of the finding type."""

    child = serializers.CharField(max_length=60)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ImageFindingsField(serializers.DictField):
    """Finding type's id → "present" or "absent"; in a model's reading a score."""


class WorklistQuerySerializer(serializers.Serializer[Any]):
    """Which part of the worklist."""

    state = serializers.ChoiceField(choices=("all", *STATES), default="all")
    search = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    order = serializers.ChoiceField(choices=ORDERS, default="priority")
    finding = serializers.IntegerField(
        min_value=1, default=None, help_text="Cases in which the caller, or the model where shown, found this type."
    )
    score = serializers.FloatField(
        min_value=0, max_value=1, default=None, help_text="Least highest score of the model, of cases where it is shown."
    )
    modality = serializers.CharField(max_length=16, default="", allow_blank=True)
    changed_from = serializers.DateField(default=None, help_text="First day (UTC) of the caller's last change.")
    changed_to = serializers.DateField(default=None)
    study_from = serializers.DateField(default=None)
    study_to = serializers.DateField(default=None)
    split = serializers.ChoiceField(choices=LISTED, default="", allow_blank=True, help_text="Leads only.")
    arm = serializers.ChoiceField(choices=Arm.choices, default="", allow_blank=True, help_text="Leads only.")
    reader = serializers.CharField(max_length=150, default="", allow_blank=True, help_text="Leads only: who has the case.")
    burnt_in = serializers.ChoiceField(
        choices=("reported",),
        default="",
        allow_blank=True,
        help_text="Leads only: cases with a name in an image, as reported.",
    )
    offset = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=200, default=100)
    past = serializers.UUIDField(default=None, help_text="The row before the page: by priority the list goes on after it.")


class GiveSerializer(serializers.Serializer[Any]):
    """The member to whom a case is given."""

    username = serializers.CharField(max_length=150)


class WorklistReasonSerializer(serializers.Serializer[Any]):
    """Why a case stands where it stands; of a series the slices (1-based) that the model would have read first."""

    kind = serializers.ChoiceField(choices=REASON_KINDS)
    detail = serializers.CharField(allow_blank=True)
    slices = serializers.ListField(child=serializers.IntegerField())


class WorklistHolderSerializer(serializers.Serializer[Any]):
    """Who has, or had, the case, in which arm, how far; until when it is held, null when it is not."""

    username = serializers.CharField()
    name = serializers.CharField()
    arm = serializers.ChoiceField(choices=Arm.choices)
    state = serializers.ChoiceField(choices=AssignmentState.choices)
    held_until = serializers.DateTimeField(allow_null=True)


class SentBackSerializer(serializers.Serializer[Any]):
    """What a reviewer says who sent a reading back to its reader, and the reviewer's name."""

    comment = serializers.CharField()
    by = serializers.CharField(allow_blank=True)


class WorklistRowSerializer(serializers.Serializer[Any]):
    """One case as the caller may see it; a blinded row tells nothing of the model."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=STATES)
    blinded = serializers.BooleanField()
    first_look = serializers.BooleanField(help_text="The model is kept back until the caller has looked first.")
    given = serializers.BooleanField(help_text="A lead gave the case to the caller.")
    sent_back = SentBackSerializer(allow_null=True, help_text="A reviewer sent the caller's reading back.")
    reason = WorklistReasonSerializer(allow_null=True)
    top_score = serializers.FloatField(allow_null=True)
    n_findings = serializers.IntegerField(allow_null=True)
    n_decided = serializers.IntegerField(allow_null=True)
    note = serializers.CharField(allow_blank=True)
    changed_at = serializers.DateTimeField(allow_null=True)
    modality = serializers.CharField()
    n_frames = serializers.IntegerField()
    thumbnail = serializers.CharField()
    leased_by = serializers.CharField(allow_null=True)
    split = serializers.ChoiceField(choices=Split.choices, required=False, help_text="Leads only.")
    arm = serializers.ChoiceField(choices=Arm.choices, required=False, help_text="Leads only.")
    source_name = serializers.CharField(required=False, allow_blank=True, help_text="Leads only.")
    readers = WorklistHolderSerializer(many=True, required=False, help_text="Leads only.")
    burnt_in = serializers.IntegerField(required=False, help_text="Leads only: open reports of a name in an image.")


class WorklistCountsSerializer(serializers.Serializer[Any]):
    """Cases by the caller's state."""

    all = serializers.IntegerField()
    to_read = serializers.IntegerField()
    in_progress = serializers.IntegerField()
    submitted = serializers.IntegerField()
    deferred = serializers.IntegerField()


class WorklistSerializer(serializers.Serializer[Any]):
    """A page of the worklist."""

    counts = WorklistCountsSerializer()
    total = serializers.IntegerField()
    results = WorklistRowSerializer(many=True)


class NextInSerializer(serializers.Serializer[Any]):
    """Where the caller comes from."""

    after = serializers.UUIDField(required=False, allow_null=True, default=None)


class NextCaseSerializer(serializers.Serializer[Any]):
    """The leased case, or null when nothing is left to read."""

    case = serializers.UUIDField(allow_null=True)


class PaceDaySerializer(serializers.Serializer[Any]):
    """Cases submitted on a day (UTC)."""

    date = serializers.DateField()
    count = serializers.IntegerField()


class DecisionCountsSerializer(serializers.Serializer[Any]):
    """The caller's decisions on the model's findings."""

    accepted = serializers.IntegerField()
    edited = serializers.IntegerField()
    rejected = serializers.IntegerField()


class LookCountsSerializer(serializers.Serializer[Any]):
    """Lesions in submitted readings with a first look: marked before the reveal, marked then and changed since, after."""

    first = serializers.IntegerField()
    changed = serializers.IntegerField()
    second = serializers.IntegerField()


class HeldCaseSerializer(serializers.Serializer[Any]):
    """A case that a reader holds."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=AssignmentState.choices)
    held_until = serializers.DateTimeField()
    given = serializers.BooleanField()


class WorkingReaderSerializer(serializers.Serializer[Any]):
    """A member at work: seconds are medians over the last fourteen days, null without any."""

    username = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Role.choices)
    held = HeldCaseSerializer(many=True)
    in_progress = serializers.IntegerField()
    submitted = serializers.IntegerField()
    deferred = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True)
    decision_seconds = serializers.FloatField(allow_null=True)
    decisions = DecisionCountsSerializer()
    looks = LookCountsSerializer()


class PaceSerializer(serializers.Serializer[Any]):
    """How the caller gets on; the seconds are quartiles over the last fourteen days, null without any."""

    today = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True)
    low_seconds = serializers.FloatField(allow_null=True)
    high_seconds = serializers.FloatField(allow_null=True)
    days = PaceDaySerializer(many=True)
    submitted = serializers.IntegerField()
    total = serializers.IntegerField()
    decisions = DecisionCountsSerializer()
    decision_seconds = serializers.FloatField(allow_null=True, help_text="Median time from decision to decision.")
    looks = LookCountsSerializer()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`continue` is a word of Python's."""
        return {**super().get_fields(), "continue": WorklistRowSerializer(allow_null=True)}


class MaskSerializer(serializers.Serializer[Any]):
    """A cropped mask in the series grid: [frame, row, column], its extent, and the digest of its run-length blob."""

    origin = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    shape = serializers.ListField(child=serializers.IntegerField(), min_length=3, max_length=3)
    digest = serializers.RegexField(r"^[0-9a-f]{64}$")


class DrawnAsSerializer(serializers.Serializer[Any]):
    """What a lesion was before it was converted to another kind of mark."""

    kind = serializers.ChoiceField(choices=MarkKind.choices)
    sop_instance_uid = serializers.CharField(max_length=64)
    frame = serializers.IntegerField()
    points = PointsField()
    mask = MaskSerializer(allow_null=True)


class PromptedStrokeSerializer(serializers.Serializer[Any]):
    """A stroke of the pointer over the lesion, or with `positive` false beside it."""

    positive = serializers.BooleanField()
    points = PointsField()


class GenericNetworkSerializer(serializers.Serializer[Any]):
    """A general-purpose network by the SHA-256 of its two files."""

    encoder = serializers.RegexField(r"^[0-9a-f]{64}$")
    decoder = serializers.RegexField(r"^[0-9a-f]{64}$")


class PromptedSerializer(serializers.Serializer[Any]):
    """The clicks, strokes and box from which a tool made a lesion's mask; `version` is null for a tool without a model.

    `strokes` is left out where there are none; `generic` names the general-purpose network, if it was one (`version` null).
    """

    version = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**31 - 1)
    positive = PointsField()
    negative = PointsField()
    box = PointsField(allow_null=True)
    strokes = serializers.ListField(child=PromptedStrokeSerializer(), max_length=MAX_STROKES, required=False)
    generic = GenericNetworkSerializer(required=False)


class MeasurementSerializer(serializers.Serializer[Any]):
    """A measurement or arrow on an image: no lesion, it trains nothing.

    Points: length and arrow have two (the arrow's tip first), an angle three (its vertex in the middle), bidirectional
    and roi (an ellipse) four: the ends of the longer, then of the shorter axis.
    """

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=sorted(MEASUREMENT_POINTS))
    sop_instance_uid = serializers.CharField(max_length=64)
    frame = serializers.IntegerField()
    points = PointsField()
    text = serializers.CharField(max_length=120, allow_blank=True)


class LesionInSerializer(serializers.Serializer[Any]):
    """A lesion to store; its id is made by the client."""

    id = serializers.UUIDField()
    finding_type = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=MarkKind.choices)
    sop_instance_uid = serializers.CharField(max_length=64)
    frame = serializers.IntegerField(default=1)
    points = PointsField(required=False)
    mask = MaskSerializer(required=False, allow_null=True, default=None)
    drawn_as = DrawnAsSerializer(required=False, allow_null=True, default=None)
    prompted = PromptedSerializer(required=False, allow_null=True, default=None)
    attributes = AttributesField(required=False, default=dict)
    origin = serializers.ChoiceField(choices=CLIENT_ORIGINS, default=Origin.DRAWN)
    origin_lesion = serializers.UUIDField(required=False, allow_null=True, default=None)


class LesionSerializer(serializers.Serializer[Any]):
    """A stored lesion."""

    id = serializers.UUIDField()
    finding_type = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=MarkKind.choices)
    sop_instance_uid = serializers.CharField()
    frame = serializers.IntegerField()
    points = PointsField()
    mask = MaskSerializer(allow_null=True)
    drawn_as = DrawnAsSerializer(allow_null=True)
    prompted = PromptedSerializer(allow_null=True)
    attributes = AttributesField()
    score = serializers.FloatField(allow_null=True)
    origin = serializers.ChoiceField(choices=Origin.choices)
    origin_lesion = serializers.UUIDField(allow_null=True)
    origin_score = serializers.FloatField(allow_null=True)
    moved_pixels = serializers.FloatField(allow_null=True)
    look = serializers.ChoiceField(choices=Look.choices, allow_blank=True)


class DecisionSerializer(serializers.Serializer[Any]):
    """What the reader did with a predicted lesion, the threshold then in force, and after how many seconds of work.

    Findings that are taken over come one by one, each with a time of its own; those of one command are `at_once`, which
    is refused where the project does not allow to accept all.
    """

    predicted = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=DecisionKind.choices)
    reason = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    lesion = serializers.UUIDField(required=False, allow_null=True, default=None)
    threshold = serializers.FloatField(min_value=0, max_value=1)
    at_seconds = serializers.FloatField(min_value=0, max_value=1e7, required=False, allow_null=True, default=None)
    at_once = serializers.BooleanField(required=False, default=False)


class LesionChangesSerializer(serializers.Serializer[Any]):
    """Lesions to store and to remove."""

    upsert = LesionInSerializer(many=True, required=False, default=list)
    remove = serializers.ListField(child=serializers.UUIDField(), required=False, default=list)


class DecisionChangesSerializer(serializers.Serializer[Any]):
    """Decisions to store, and predicted lesions to make undecided again."""

    upsert = DecisionSerializer(many=True, required=False, default=list)
    remove = serializers.ListField(child=serializers.UUIDField(), required=False, default=list)


class SliceRangesField(serializers.ListField):
    """Slices as ranges [first, last] in reading order, from 0, both ends included."""

    child = serializers.ListField(child=serializers.IntegerField(min_value=0), min_length=2, max_length=2)


class SaveSerializer(serializers.Serializer[Any]):
    """A save: what changed since the revision named in If-Match. A field that is absent stays as it is.

    `slices_read` are slices of a series that were on the reader's screen: they are added to those that were before.
    """

    revision_id = serializers.UUIDField()
    lesions = LesionChangesSerializer(required=False)
    decisions = DecisionChangesSerializer(required=False)
    verdict = serializers.ChoiceField(choices=Verdict.choices, required=False, allow_blank=True)
    verdict_reason = serializers.CharField(max_length=300, required=False, allow_blank=True)
    comment = serializers.CharField(max_length=20_000, required=False, allow_blank=True)
    image_findings = ImageFindingsField(required=False)
    measurements = serializers.ListField(child=MeasurementSerializer(), max_length=500, required=False)
    slices_read = SliceRangesField(required=False)
    display_threshold = serializers.FloatField(min_value=0, max_value=1, required=False, allow_null=True)
    active_seconds = serializers.FloatField(min_value=0, max_value=1e7, required=False)


class ReaderSerializer(serializers.Serializer[Any]):
    """Who read."""

    kind = serializers.ChoiceField(choices=ReaderKind.choices)
    name = serializers.CharField()


class RevisedReaderSerializer(serializers.Serializer[Any]):
    """Whose reading is edited."""

    name = serializers.CharField()


class RevisesSerializer(serializers.Serializer[Any]):
    """The reading that a reviewer's own one edits, and the revision of it from which the edit began."""

    reading = serializers.UUIDField()
    reader = RevisedReaderSerializer()
    revision = serializers.IntegerField()


class ReadingSerializer(serializers.Serializer[Any]):
    """All that one reader found in one case; `slices_read` null where nobody recorded which slices were looked at."""

    id = serializers.UUIDField()
    reader = ReaderSerializer()
    state = serializers.ChoiceField(choices=ReadingState.choices)
    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_blank=True)
    verdict_reason = serializers.CharField(allow_blank=True)
    comment = serializers.CharField(allow_blank=True)
    image_findings = ImageFindingsField()
    measurements = MeasurementSerializer(many=True)
    slices_read = SliceRangesField(allow_null=True)
    lesions = LesionSerializer(many=True)
    decisions = DecisionSerializer(many=True)
    revision = serializers.IntegerField()
    etag = serializers.CharField()
    display_threshold = serializers.FloatField(allow_null=True)
    active_seconds = serializers.FloatField()
    updated_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    revealed_at = serializers.DateTimeField(allow_null=True)
    revealed_revision = serializers.IntegerField(allow_null=True)
    revises = RevisesSerializer(allow_null=True)
    sent_back = SentBackSerializer(allow_null=True)
    vocabulary_version = serializers.IntegerField()


class RefusalSerializer(serializers.Serializer[Any]):
    """Why nothing was changed; `current` where the reading as it is now helps, `undecided` and `lesions` name ids."""

    detail = serializers.CharField()
    code = serializers.CharField()
    current = ReadingSerializer(required=False)
    undecided = serializers.ListField(child=serializers.UUIDField(), required=False)
    lesions = serializers.DictField(child=serializers.CharField(), required=False)


class RevisionSerializer(serializers.Serializer[Any]):
    """One save of a reading."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    author = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    content = ReadingSerializer()


class RoomContextSerializer(serializers.Serializer[Any]):
    """What the header says of the examination, and the texts that were imported with it."""

    body_part = serializers.CharField(allow_blank=True)
    protocol = serializers.CharField(allow_blank=True)
    scanner = serializers.CharField(allow_blank=True)
    age = serializers.CharField(allow_blank=True)
    sex = serializers.CharField(allow_blank=True)
    study_date = serializers.CharField(allow_blank=True)
    study_description = serializers.CharField(allow_blank=True)
    indication = serializers.CharField(allow_blank=True)
    report = serializers.CharField(
        allow_blank=True, help_text="Kept back from blinded readers, and until the reveal of a first look."
    )


class RoomCaseSerializer(serializers.Serializer[Any]):
    """The case."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    modality = serializers.CharField()
    unit = serializers.ChoiceField(choices=Unit.choices)
    n_frames = serializers.IntegerField()
    synthetic = serializers.BooleanField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`context` is a name of the framework's own."""
        return {**super().get_fields(), "context": RoomContextSerializer()}


class RoomLeaseSerializer(serializers.Serializer[Any]):
    """Until when the caller holds the case, or who else does."""

    expires_at = serializers.DateTimeField(allow_null=True)
    held_by = serializers.CharField(allow_null=True)


class RoomInstanceSerializer(serializers.Serializer[Any]):
    """An image of the case; `pixel_spacing` is between rows, then between columns, in mm.

    `pixels` names what is stored now: sent with the address of a frame (`?pixels=`) it says that browsers may keep it.
    """

    sop_instance_uid = serializers.CharField()
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    number_of_frames = serializers.IntegerField()
    pixel_spacing = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    pixels = serializers.CharField()


class RoomSeriesSerializer(serializers.Serializer[Any]):
    """Where the pixels are; instances in reading order."""

    study_instance_uid = serializers.CharField()
    series_instance_uid = serializers.CharField()
    wado_root = serializers.CharField()
    frame_of_reference_uid = serializers.CharField(allow_blank=True)
    instances = RoomInstanceSerializer(many=True)


class RelatedCaseSerializer(serializers.Serializer[Any]):
    """Another case of the patient, as images alone; `laterality` and `view` of projections, empty where not told."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    modality = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    body_part = serializers.CharField(allow_blank=True)
    laterality = serializers.CharField(allow_blank=True)
    view = serializers.CharField(allow_blank=True)
    n_frames = serializers.IntegerField()
    series = RoomSeriesSerializer()


class RelatedStudySerializer(serializers.Serializer[Any]):
    """A study of the patient: the case's own, an earlier one, or one of which nobody knows when it was made."""

    study_instance_uid = serializers.CharField()
    relation = serializers.ChoiceField(choices=("this", "prior", "undated"))
    date = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    cases = RelatedCaseSerializer(many=True)


class RelatedSerializer(serializers.Serializer[Any]):
    """What else of the patient may be looked at; `laterality` and `view` are the case's own."""

    laterality = serializers.CharField(allow_blank=True)
    view = serializers.CharField(allow_blank=True)
    studies = RelatedStudySerializer(many=True)


class FrocSerializer(serializers.Serializer[Any]):
    """The version's FROC on VALIDATION: [threshold, false positives per image, sensitivity], strict to lax."""

    n_cases = serializers.IntegerField()
    points = serializers.ListField(child=serializers.ListField(child=serializers.FloatField(), min_length=3, max_length=3))


class RoomCalibrationSerializer(serializers.Serializer[Any]):
    """Whether scores of findings have a probability: `method` "platt", or "none" with its reason in `note`."""

    method = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    n = serializers.IntegerField(help_text="Findings on VALIDATION that the curve was fitted to.")
    n_patients = serializers.IntegerField()


class RoomModelSerializer(serializers.Serializer[Any]):
    """The model's reading of the case: what reached the display threshold; `froc` null where it was not measured.

    Scores of `findings` and `image_findings` are raw, as they are stored. `probabilities` (by the finding's id) and
    `image_probabilities` (by finding type) are what calibration makes of them, null while there is none.
    """

    version = serializers.IntegerField(allow_null=True, help_text="Null where a foreign model is shown.")
    name = serializers.CharField()
    display_threshold = serializers.FloatField()
    calibration = RoomCalibrationSerializer()
    reading_id = serializers.UUIDField()
    froc = FrocSerializer(allow_null=True)
    findings = LesionSerializer(many=True)
    probabilities = serializers.DictField(child=serializers.FloatField(allow_null=True))
    image_findings = ImageFindingsField()
    image_probabilities = serializers.DictField(child=serializers.FloatField(allow_null=True))


class RoomNextSerializer(serializers.Serializer[Any]):
    """A case to come, to load ahead."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    thumbnail = serializers.CharField()


class RoomSerializer(serializers.Serializer[Any]):
    """Everything the reading room needs of one case."""

    case = RoomCaseSerializer()
    arm = serializers.ChoiceField(choices=Arm.choices)
    first_look = serializers.BooleanField(help_text="The model is kept back until the reader has looked first.")
    begin_at = serializers.IntegerField(
        allow_null=True, help_text="Slice of a series (1 is the first) at which the model would begin; null where untold."
    )
    lease = RoomLeaseSerializer()
    readonly = serializers.ChoiceField(choices=("submitted", "embargoed", "leased"), allow_null=True)
    series = RoomSeriesSerializer()
    reading = ReadingSerializer(allow_null=True)
    model = RoomModelSerializer(allow_null=True)
    others = ReadingSerializer(many=True)
    next = RoomNextSerializer(many=True)


class PriorCaseSerializer(serializers.Serializer[Any]):
    """A case of an earlier study."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class PriorLesionsSerializer(serializers.Serializer[Any]):
    """How many lesions of a type."""

    finding_type = serializers.IntegerField()
    count = serializers.IntegerField()


class PriorReadingSerializer(serializers.Serializer[Any]):
    """A submitted reading of the patient's earlier study; `image_findings` are those present."""

    case = PriorCaseSerializer()
    study_date = serializers.CharField(allow_blank=True)
    reader = ReaderSerializer()
    is_own = serializers.BooleanField()
    verdict = serializers.ChoiceField(choices=Verdict.choices, allow_blank=True)
    lesions = PriorLesionsSerializer(many=True)
    image_findings = serializers.ListField(child=serializers.IntegerField())
    comment = serializers.CharField(allow_blank=True)
    submitted_at = serializers.DateTimeField(allow_null=True)
