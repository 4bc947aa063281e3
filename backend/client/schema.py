"""The API's documents and addresses as types. Made by deploy/client_types.py of docs/openapi.yaml: do not edit."""

from __future__ import annotations

from typing import Any, Final, Literal, NotRequired, TypeAlias, TypedDict

AboutEnum = Literal["pixels", "image"]
"""One of several words."""


AcquisitionEnum = Literal[
    "bald",
    "clasp_pe",
    "cost_aware",
    "ensemble",
    "entropy",
    "foreground_aware_random",
    "k_center",
    "k_means",
    "likely_positive",
    "random",
    "tta_variance",
]
"""One of several words."""


AllowedMarksEnum = Literal["box", "ellipse", "polygon", "freehand", "mask", "point"]
"""One of several words."""


class Archive(TypedDict):
    """The archive a project reads from."""

    slug: str
    name: str
    deid_profile: DeidProfileEnum
    deid_options: list[DeidOptionEnum]
    keeps_identities: bool


ArmEnum = Literal["assisted", "blinded"]
"""One of several words."""


AssignmentStateEnum = Literal["opened", "in_progress", "submitted", "deferred"]
"""One of several words."""


class Attribute(TypedDict):
    """A property of a lesion with the values it may take, or the number that it is."""

    name: str
    values: list[str]
    number: AttributeNumber | None
    required: bool


class AttributeInRequest(TypedDict):
    """A property of a lesion: one of several values, or a number. Without a `required` one nothing is submitted."""

    name: str
    values: NotRequired[list[str]]
    number: NotRequired[AttributeNumberInRequest | None]
    required: NotRequired[bool]


class AttributeNumber(TypedDict):
    """That an attribute is a number: its unit and its limits."""

    unit: str
    least: float | None
    most: float | None


class AttributeNumberInRequest(TypedDict):
    """That an attribute is to be a number: its unit, and the limits where it has any."""

    unit: NotRequired[str]
    least: NotRequired[float | None]
    most: NotRequired[float | None]


AuthenticationEnum = Literal["none", "basic", "bearer"]
"""One of several words."""


class BeginEditRequest(TypedDict):
    """The reading to edit, as it was at this revision."""

    reading: str
    revision: int


class BegunEdit(TypedDict):
    """The caller's own reading of the case, which begins from the reviewed one."""

    case: str
    reading: str


BlankEnum = Literal[""]
"""One of several words."""


class BlankRequest(TypedDict):
    """What to blank in one image of a case, or in all of them where none is named, and why."""

    sop_instance_uid: NotRequired[str]
    rectangles: list[list[int]]
    reason: NotRequired[str]


class Blanking(TypedDict):
    """The job that blanks, and in how many images."""

    job: str
    images: int


class BurntInPlaceRequest(TypedDict):
    """The frame (from 1) of an image of this project in which a name stands; what it says is not asked for."""

    sop_instance_uid: str
    frame: NotRequired[int]


class BurntInReport(TypedDict):
    """A report that nobody has looked into."""

    case: str
    name: str
    sop_instance_uid: str
    frame: int
    reported_by: str
    reported_at: str


class CardEvaluation(TypedDict):
    """The newest measurement on a split."""

    measured_at: str
    n_cases: int
    n_patients: int
    metrics: list[Metric]
    subgroups: list[Subgroup]
    perfection: dict[str, Any]


class CardFindingType(TypedDict):
    """What an output means."""

    id: int
    scope: str
    name: str | None
    code: str | None


class CardSplit(TypedDict):
    """Cases and patients of a split, and how many of the cases have been read."""

    split: str
    n_cases: int
    n_patients: int
    n_labelled: int


class CardWords(TypedDict):
    """The words, by whom and when."""

    intended_use: NotRequired[str]
    not_for: NotRequired[str]
    remarks: NotRequired[str]
    by: str | None
    written_at: str | None


class CaseCounts(TypedDict):
    """How many cases there are, how many still want a reading, how many have theirs."""

    cases: int
    open: int
    submitted: int


class Clicks(TypedDict):
    """The network that answers clicks: outlined lesions it learned from, and how well it outlines those of VALIDATION."""

    lesions: int
    core_seconds: float
    measured: list[Metric]


class ComparedCase(TypedDict):
    """A case as both versions read it; `change` is this one's value minus the other's, null where there is none."""

    id: str
    name: str
    thumbnail: str
    lesions: int
    own: Side
    others: Side
    change: float | None


class ComparedMetric(TypedDict):
    """A metric of both versions over the shared cases, and the paired difference with its 95 % interval."""

    metric: str
    own: float | None
    others: float | None
    difference: float | None
    low: float | None
    high: float | None
    n_cases: int
    n_patients: int
    better: int
    worse: int
    note: str


class Comparison(TypedDict):
    """Two versions case by case on VALIDATION."""

    number: int
    other: int
    by: str
    measured_at: str | None
    other_measured_at: str | None
    n_cases: int
    n_patients: int
    unshared: int
    changed: int
    blinded: int
    metrics: list[ComparedMetric]
    cases: list[ComparedCase]


class CredentialsRequest(TypedDict):
    """An access key of an object store; kept encrypted, told to nobody."""

    access_key_id: str
    secret_access_key: str


class CurvePoint(TypedDict):
    """A version on the learning curve; a null value has its reason in `note`."""

    n_labels: int
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n_patients: int
    note: str
    version: int


DecideDecisionEnum = Literal["agreed", "sent_back"]
"""One of several words."""


class DecideRequest(TypedDict):
    """A decision on a reading as it was at this revision; sending back asks for a comment."""

    reading: str
    revision: int
    decision: DecideDecisionEnum
    comment: NotRequired[str]


class Decision(TypedDict):
    """What the reader did with a predicted lesion, the threshold then in force, and after how many seconds of work."""

    predicted: str
    kind: DecisionKindEnum
    reason: NotRequired[str]
    lesion: NotRequired[str | None]
    threshold: float
    at_seconds: NotRequired[float | None]
    at_once: NotRequired[bool]


class DecisionChangesRequest(TypedDict):
    """Decisions to store, and predicted lesions to make undecided again."""

    upsert: NotRequired[list[DecisionRequest]]
    remove: NotRequired[list[str]]


class DecisionCounts(TypedDict):
    """The caller's decisions on the model's findings."""

    accepted: int
    edited: int
    rejected: int


DecisionKindEnum = Literal["accepted", "edited", "rejected"]
"""One of several words."""


class DecisionRequest(TypedDict):
    """What the reader did with a predicted lesion, the threshold then in force, and after how many seconds of work."""

    predicted: str
    kind: DecisionKindEnum
    reason: NotRequired[str]
    lesion: NotRequired[str | None]
    threshold: float
    at_seconds: NotRequired[float | None]
    at_once: NotRequired[bool]


DeidOptionEnum = Literal[
    "modified_dates",
    "full_dates",
    "clean_descriptors",
    "patient_characteristics",
    "device_identity",
    "institution_identity",
    "safe_private",
    "clean_pixels",
]
"""One of several words."""


DeidProfileEnum = Literal["none", "basic"]
"""One of several words."""


class Deidentification(TypedDict):
    """Under which rules files were taken in; empty for imports older than the record."""

    profile: NotRequired[DeidProfileEnum]
    options: NotRequired[list[DeidOptionEnum]]
    version: NotRequired[int]


class Delivery(TypedDict):
    """One event for one webhook, and the last answer; `status` null where there was none."""

    id: str
    event: WebhookEventEnum
    state: DeliveryStateEnum
    attempts: int
    status: int | None
    answer: str
    seconds: float | None
    payload: dict[str, Any]
    created_at: str
    attempted_at: str | None
    next_attempt_at: str | None


DeliveryStateEnum = Literal["pending", "delivered", "failed"]
"""One of several words."""


DimensionEnum = Literal["auto", "2d", "2.5d", "3d"]
"""One of several words."""


class DiscardRequest(TypedDict):
    """Which files to delete for good, and why."""

    files: list[str]
    reason: NotRequired[str]


class Discarded(TypedDict):
    """How many were deleted."""

    files: int


class DismissalRequest(TypedDict):
    """Why there is nothing to blank, for the audit trail."""

    reason: str


DoingEnum = Literal["publish", "withdraw"]
"""One of several words."""


class DoubtedCase(TypedDict):
    """A label that a model which has not seen the patient doubts (0…1), and what the doubt is about (null: nothing)."""

    case: str
    name: str
    thumbnail: str
    reader: str
    verdict: str
    finding_types: list[int]
    doubt: float
    about: AboutEnum
    labelled: int | None
    instead: int | None


class Doubts(TypedDict):
    """The labels to look at again. `changed`: so many were changed since and are not listed; `blinded`: still to be read."""

    answered_at: str
    n_labels: int
    blinded: int
    changed: int
    cases: list[DoubtedCase]


class DrawnAs(TypedDict):
    """What a lesion was before it was converted to another kind of mark."""

    kind: MarkKindEnum
    sop_instance_uid: str
    frame: int
    points: list[list[float]]
    mask: Mask | None


class DrawnAsRequest(TypedDict):
    """What a lesion was before it was converted to another kind of mark."""

    kind: MarkKindEnum
    sop_instance_uid: str
    frame: int
    points: list[list[float]]
    mask: MaskRequest | None


class DrawnCase(TypedDict):
    """A case of the drawn batch."""

    case: str
    name: str
    thumbnail: str
    arm: DrawnCaseArmEnum
    acquisition: str
    reason: DrawnCaseReasonEnum
    score: float | None
    version: int
    inclusion_probability: float | None
    rank: int


DrawnCaseArmEnum = Literal["random", "acquired", "rest"]
"""One of several words."""


DrawnCaseReasonEnum = Literal["different", "likely", "random", "uncertain"]
"""One of several words."""


class EmbargoedCase(TypedDict):
    """A case that is used for nothing, and why."""

    case: str
    name: str
    reason: str


EncoderEnum = Literal["pretrained", "own"]
"""One of several words."""


class EvaluatedCase(TypedDict):
    """How a version did in one case, at the threshold that was asked for; Dice and HD95 at the display threshold."""

    id: str
    name: str
    thumbnail: str
    dice: float | None
    hd95: float | None
    unit: str
    lesions: int
    missed: int
    false_positives: int


class EvaluatedCases(TypedDict):
    """The cases that were asked for, worst first; `blinded` counts those that the caller is still to read blinded."""

    threshold: float
    total: int
    blinded: int
    cases: list[EvaluatedCase]


class Evaluation(TypedDict):
    """The numbers of a version on one split."""

    split: str
    created_at: str
    n_cases: int
    n_patients: int
    metrics: list[Metric]
    curves: dict[str, Any]
    subgroups: list[Subgroup]


EventsEnum = Literal[
    "reading.submitted", "reading.reviewed", "round.finished", "model.promoted", "import.finished", "export.finished"
]
"""One of several words."""


class ExportCounts(TypedDict):
    """How much an export holds."""

    cases: NotRequired[int]
    readings: NotRequired[int]
    readers: NotRequired[int]
    lesions: NotRequired[int]
    files: NotRequired[int]


class ExportFilter(TypedDict):
    """What an export is limited to; what is not named is not limited. Models' readings only where asked for."""

    readers: NotRequired[list[int]]
    finding_types: NotRequired[list[int]]
    reader_kinds: NotRequired[list[ReaderKindEnum]]
    splits: NotRequired[list[SplitEnum]]
    reviews: NotRequired[list[ReviewsEnum]]
    since: NotRequired[str | None]
    until: NotRequired[str | None]
    models: NotRequired[bool]
    superseded: NotRequired[bool]


class ExportFilterRequest(TypedDict):
    """What an export is limited to; what is not named is not limited. Models' readings only where asked for."""

    readers: NotRequired[list[int]]
    finding_types: NotRequired[list[int]]
    reader_kinds: NotRequired[list[ReaderKindEnum]]
    splits: NotRequired[list[SplitEnum]]
    reviews: NotRequired[list[ReviewsEnum]]
    since: NotRequired[str | None]
    until: NotRequired[str | None]
    models: NotRequired[bool]
    superseded: NotRequired[bool]


class ExportFormat(TypedDict):
    """A format that readings go out in. `is_read`: it can be verified; marks of no kind in `kinds` become another."""

    name: str
    title: str
    is_read: bool
    kinds: list[str]
    others_become: str
    options: list[FormatOption]


class ExportOrderRequest(TypedDict):
    """An export to make. `pictures`: images go alongside, else they are referred to. `export_formats` tells the options."""

    format: str
    filter: NotRequired[ExportFilterRequest]
    options: NotRequired[dict[str, str]]
    pictures: NotRequired[bool]


class ExportPreview(TypedDict):
    """What an export would hold and lose, and the readers there are without any limit."""

    readers: list[ExportReader]
    counts: ExportCounts
    losses: list[Loss]


class ExportProgress(TypedDict):
    """Cases done, of all."""

    done: int
    total: int


class ExportReader(TypedDict):
    """A reader who can be chosen, with how many readings could go out."""

    id: int
    name: str
    kind: ReaderKindEnum
    readings: int


class ExportRun(TypedDict):
    """One export; `own`: the caller made it, so he may fetch it."""

    id: str
    format: str
    options: dict[str, str]
    filter: ExportFilter
    pictures: bool
    state: ExportRunStateEnum
    message: str
    created_by: str
    own: bool
    created_at: str
    finished_at: str | None
    expires_at: str | None
    size: int
    sha256: str
    counts: ExportCounts
    losses: list[Loss]
    progress: ExportProgress
    verification: Verification | None
    verifying: ExportProgress | None
    publication: Publication | None


ExportRunStateEnum = Literal["queued", "running", "done", "failed", "cancelled", "expired"]
"""One of several words."""


class FileFacts(TypedDict):
    """What a file that is not stored is, as far as its header was read; empty or 0 what is not known."""

    format: str
    modality: str
    sop_class_uid: str
    sop_class: str
    transfer_syntax_uid: str
    transfer_syntax: str
    rows: int
    columns: int
    frames: int


FindingScopeEnum = Literal["lesion", "image"]
"""One of several words."""


class FindingType(TypedDict):
    """An entry of the vocabulary."""

    id: int
    scope: FindingScopeEnum
    name: str
    colour: str
    key: str
    allowed_marks: list[AllowedMarksEnum]
    code_scheme: str
    code_value: str
    code_meaning: str
    attributes: list[Attribute]
    position: int
    since_version: int
    retired_in_version: int | None


class FindingTypeInRequest(TypedDict):
    """A new entry of the vocabulary."""

    scope: NotRequired[FindingScopeEnum]
    name: str
    colour: NotRequired[str]
    key: NotRequired[str]
    allowed_marks: NotRequired[list[AllowedMarksEnum]]
    code_scheme: NotRequired[str]
    code_value: NotRequired[str]
    code_meaning: NotRequired[str]
    attributes: NotRequired[list[AttributeInRequest]]
    position: NotRequired[int]


class Forecast(TypedDict):
    """When the learning curve would reach the policy's target, or why that cannot be told."""

    answer: ForecastAnswerEnum
    target: float
    reason: ForecastReasonEnum | BlankEnum
    more: int | None
    low: int | None
    high: int | None
    asymptote: float | None
    curve: list[list[float]]


ForecastAnswerEnum = Literal["reached", "about", "cannot_tell"]
"""One of several words."""


ForecastReasonEnum = Literal["few_points", "one_size", "flat", "too_far", "too_wide"]
"""One of several words."""


class ForeignModel(TypedDict):
    """A foreign model as a reader of the project."""

    id: int
    name: str
    version: str
    description: str
    display_threshold: float
    is_shown: bool
    reader: int
    cases_read: int
    registered_by: str
    created_at: str


class ForeignModelInRequest(TypedDict):
    """A model that is run elsewhere; name and version together name it for ever."""

    name: str
    version: str
    description: NotRequired[str]
    display_threshold: NotRequired[float]


class FormatOption(TypedDict):
    """An option of reading or of writing a format."""

    name: str
    kind: FormatOptionKindEnum
    choices: list[str]
    default: str
    words: str
    help: str


FormatOptionKindEnum = Literal["choice", "share", "labels", "text"]
"""One of several words."""


class FoundSeries(TypedDict):
    """A series of the node."""

    series_instance_uid: str
    modality: str
    series_number: str
    series_description: str
    number_of_instances: int | None


class FoundStudies(TypedDict):
    """Studies that match; `has_more`: there are more than these."""

    studies: list[FoundStudy]
    has_more: bool


class FoundStudy(TypedDict):
    """A study of the node."""

    study_instance_uid: str
    patient_id: str
    patient_name: str
    patient_sex: str
    study_date: str
    study_description: str
    accession_number: str
    modalities: list[str]
    number_of_series: int | None
    number_of_instances: int | None


class Froc(TypedDict):
    """The version's FROC on VALIDATION: [threshold, false positives per image, sensitivity], strict to lax."""

    n_cases: int
    points: list[list[float]]


class GenericNetwork(TypedDict):
    """A general-purpose network by the SHA-256 of its two files."""

    encoder: str
    decoder: str


class GenericNetworkRequest(TypedDict):
    """A general-purpose network by the SHA-256 of its two files."""

    encoder: str
    decoder: str


GenericOutlinesEnum = Literal["off", "until_own", "always"]
"""One of several words."""


class GiveRequest(TypedDict):
    """The member to whom a case is given."""

    username: str


class HeldCase(TypedDict):
    """A case that a reader holds."""

    id: str
    name: str
    state: AssignmentStateEnum
    held_until: str
    given: bool


class Identities(TypedDict):
    """All images of the pseudonym."""

    results: list[Identity]


class Identity(TypedDict):
    """What one stored image was called before, beside what it is called here."""

    stored_study_instance_uid: str
    stored_series_instance_uid: str
    stored_sop_instance_uid: str
    patient_id: str
    patient_name: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    study_date: str
    accession_number: str


class IdentityExportInRequest(TypedDict):
    """Why the whole table is needed."""

    reason: str


class IdentityTable(TypedDict):
    """The state of the table: kept or not, possible or not (profile and key), and the caller's right."""

    keeps: bool
    deidentifies: bool
    has_key: bool
    may_reidentify: bool


class IdentityTableInRequest(TypedDict):
    """Whether the table shall be kept from now on, and why."""

    keeps: bool
    reason: str


class ImportFormat(TypedDict):
    """A format that readings of other programs come in, and what may be set."""

    name: str
    title: str
    options: list[FormatOption]


class ImportItem(TypedDict):
    """What became of one file."""

    id: str
    name: str
    size: int
    received: int
    state: ImportItemStateEnum
    modality: str
    reason: str
    facts: FileFacts
    case: ItemCase | None


ImportItemStateEnum = Literal["uploading", "waiting", "imported", "duplicate", "embargoed", "refused", "held"]
"""One of several words."""


class ImportItems(TypedDict):
    """A page of files, those that need eyes first."""

    total: int
    results: list[ImportItem]


class ImportOptions(TypedDict):
    """What the files are and whose labels come along; `backend.exchange.import_options` tells more."""

    deid_profile: NotRequired[DeidProfileEnum]
    deid_options: NotRequired[list[DeidOptionEnum]]
    masks_prefix: NotRequired[str]
    labels_file: NotRequired[str]
    boxes_file: NotRequired[str]
    columns: NotRequired[str]
    box_columns: NotRequired[str]
    box_size: NotRequired[list[float]]
    normal: NotRequired[list[str]]
    types: NotRequired[dict[str, str]]
    mask_type: NotRequired[str]
    findings_scope: NotRequired[FindingScopeEnum]
    imported_reader: NotRequired[str]
    context_file: NotRequired[str]
    context_columns: NotRequired[str]
    context_is_clean: NotRequired[bool]
    readings_format: NotRequired[str]
    readings_options: NotRequired[dict[str, str]]
    volumes: NotRequired[VolumesEnum | BlankEnum]


class ImportOptionsRequest(TypedDict):
    """What the files are and whose labels come along; `backend.exchange.import_options` tells more."""

    deid_profile: NotRequired[DeidProfileEnum]
    deid_options: NotRequired[list[DeidOptionEnum]]
    masks_prefix: NotRequired[str]
    labels_file: NotRequired[str]
    boxes_file: NotRequired[str]
    columns: NotRequired[str]
    box_columns: NotRequired[str]
    box_size: NotRequired[list[float]]
    normal: NotRequired[list[str]]
    types: NotRequired[dict[str, str]]
    mask_type: NotRequired[str]
    findings_scope: NotRequired[FindingScopeEnum]
    imported_reader: NotRequired[str]
    context_file: NotRequired[str]
    context_columns: NotRequired[str]
    context_is_clean: NotRequired[bool]
    readings_format: NotRequired[str]
    readings_options: NotRequired[dict[str, str]]
    volumes: NotRequired[VolumesEnum | BlankEnum]


class ImportProgress(TypedDict):
    """Files done, of all."""

    done: int
    total: int


class ImportRun(TypedDict):
    """One import."""

    id: str
    state: ImportRunStateEnum
    created_at: str
    finished_at: str | None
    created_by: str
    origin: str
    options: ImportOptions
    deidentification: Deidentification
    message: str
    counts: ItemCounts
    progress: ImportProgress
    job: str | None


class ImportRunInRequest(TypedDict):
    """A new import."""

    files: list[OfferedFileRequest]
    options: NotRequired[ImportOptionsRequest]


ImportRunStateEnum = Literal["uploading", "receiving", "queued", "running", "done", "failed"]
"""One of several words."""


class Inquiry(TypedDict):
    """A question to the labels: whether it can be asked, what it would cost, how far it is, and what was last answered."""

    kind: InquiryKindEnum
    state: JobStateEnum | NullEnum | None
    error: str
    refusal: InquiryRefusal | None
    trainings: int
    steps: int
    expected_seconds: float | None
    progress: InquiryProgress
    answer: InquiryAnswer | None


class InquiryAnswer(TypedDict):
    """The last answer. Of `arms` all but `n_labels` are about the difference chosen minus random, with its 95 % interval."""

    answered_at: str
    asked_by: str | None
    n_labels: int
    n_patients: int
    answer: NotRequired[InquiryAnswerAnswerEnum]
    reason: NotRequired[InquiryAnswerReasonEnum | BlankEnum]
    metric: NotRequired[MetricEnum]
    difference: NotRequired[float | None]
    low: NotRequired[float | None]
    high: NotRequired[float | None]
    chosen: NotRequired[float | None]
    random: NotRequired[float | None]
    n_seeds: NotRequired[int]
    n_cases: NotRequired[int]
    versions: NotRequired[list[int]]
    acquisitions: NotRequired[list[str]]


InquiryAnswerAnswerEnum = Literal["helps", "does_not", "cannot_tell"]
"""One of several words."""


InquiryAnswerReasonEnum = Literal["few_labels", "few_seeds", "few_positives", "few_findings", "few_patients", "wide"]
"""One of several words."""


InquiryKindEnum = Literal["arms", "labels"]
"""One of several words."""


class InquiryProgress(TypedDict):
    """How far the trainings are; empty before the first."""

    done: NotRequired[float]
    total: NotRequired[int]
    training: NotRequired[int]
    seconds_left: NotRequired[float]


class InquiryRefusal(TypedDict):
    """Why it cannot be asked now, and the numbers behind it."""

    code: InquiryRefusalCodeEnum
    detail: str
    counts: dict[str, int]


InquiryRefusalCodeEnum = Literal["inquiry_running", "few_labels", "few_validation", "few_findings", "few_patients"]
"""One of several words."""


class InspectableCase(TypedDict):
    """A case to choose."""

    id: str
    name: str
    thumbnail: str


class InspectableCases(TypedDict):
    """Cases that the caller may look into; `hidden`: those that he is still to read without the model."""

    total: int
    hidden: int
    cases: list[InspectableCase]


class InspectedCase(TypedDict):
    """The case that is looked at."""

    id: str
    name: str


class InspectedImage(TypedDict):
    """Where the image itself is to be had by DICOMweb; `frames`: how many the case has."""

    study: str
    series: str
    sop_instance_uid: str
    frame: int
    frames: int
    modality: str
    ct_window: list[float] | None


class Inspection(TypedDict):
    """How far an inspection is, and once it is made what there is to see."""

    state: InspectionStateEnum
    error: str
    case: InspectedCase
    frame: int
    image: InspectedImage
    lesions: list[MarkedLesion]
    seen: dict[str, Any] | None


InspectionStateEnum = Literal["none", "queued", "running", "failed", "ready"]
"""One of several words."""


class ItemCase(TypedDict):
    """The case that a file became."""

    id: str
    name: str
    split: SplitEnum


class ItemCounts(TypedDict):
    """Files by state."""

    total: int
    uploading: int
    waiting: int
    imported: int
    duplicate: int
    embargoed: int
    refused: int
    held: int


class Job(TypedDict):
    """How far one slow thing is."""

    id: str
    task: str
    state: JobStateEnum
    progress: dict[str, Any]
    error: str
    attempts: int
    created_at: str
    started_at: str | None
    finished_at: str | None


JobStateEnum = Literal["queued", "running", "succeeded", "failed", "cancelled"]
"""One of several words."""


class LabelCount(TypedDict):
    """Labelled cases."""

    training: int
    validation: int


class LabelledCase(TypedDict):
    """A case with the reading that counts."""

    case: str
    name: str
    thumbnail: str
    reader: str
    verdict: str
    finding_types: list[int]


LanguageEnum = Literal["en", "zh-hans"]
"""One of several words."""


class Learning(TypedDict):
    """Everything the Learning page shows."""

    policy: Policy
    new_readings: int
    growth_percent: int | None
    labels: LabelCount
    live: Round | None
    last: Round | None
    rounds: list[RoundRow]
    metric: MetricEnum
    curve: list[CurvePoint]
    forecast: Forecast
    next: list[DrawnCase]
    serving: int | None


class LeftOut(TypedDict):
    """Readings that were not published: not to be seen by who made the export, models', changed since."""

    hidden: NotRequired[int]
    models: NotRequired[int]
    changed: NotRequired[int]


class Lesion(TypedDict):
    """A stored lesion."""

    id: str
    finding_type: int
    kind: MarkKindEnum
    sop_instance_uid: str
    frame: int
    points: list[list[float]]
    mask: Mask | None
    drawn_as: DrawnAs | None
    prompted: Prompted | None
    attributes: dict[str, str]
    score: float | None
    origin: LesionOriginEnum
    origin_lesion: str | None
    origin_score: float | None
    moved_pixels: float | None
    look: LookEnum | BlankEnum


class LesionChangesRequest(TypedDict):
    """Lesions to store and to remove."""

    upsert: NotRequired[list[LesionInRequest]]
    remove: NotRequired[list[str]]


LesionInOriginEnum = Literal["drawn", "accepted", "edited", "reviewed"]
"""One of several words."""


class LesionInRequest(TypedDict):
    """A lesion to store; its id is made by the client."""

    id: str
    finding_type: int
    kind: MarkKindEnum
    sop_instance_uid: str
    frame: NotRequired[int]
    points: NotRequired[list[list[float]]]
    mask: NotRequired[MaskRequest | None]
    drawn_as: NotRequired[DrawnAsRequest | None]
    prompted: NotRequired[PromptedRequest | None]
    attributes: NotRequired[dict[str, str]]
    origin: NotRequired[LesionInOriginEnum]
    origin_lesion: NotRequired[str | None]


LesionOriginEnum = Literal["drawn", "accepted", "edited", "imported", "predicted", "reviewed"]
"""One of several words."""


class LookCounts(TypedDict):
    """Lesions in submitted readings with a first look: marked before the reveal, marked then and changed since, after."""

    first: int
    changed: int
    second: int


LookEnum = Literal["first", "changed", "second"]
"""One of several words."""


class LookUpRequest(TypedDict):
    """One pseudonym (of a patient, or a stored study's or image's UID), and why."""

    pseudonym: str
    reason: str


class Loss(TypedDict):
    """Something that the format cannot carry: what, of how many; `kind` becomes `becomes`; `text` of a format's own note."""

    what: str
    count: int
    kind: NotRequired[str]
    becomes: NotRequired[str]
    text: NotRequired[str]


class MadePerson(TypedDict):
    """A new account; its one-time password is shown this once and is empty where a password was given."""

    username: str
    full_name: str
    one_time_password: str


class MadeToken(TypedDict):
    """A new token with its text, shown this once."""

    id: int
    name: str
    prefix: str
    scopes: NotRequired[Any]
    created_at: str
    expires_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]
    token: str


class MadeWebhook(TypedDict):
    """A new webhook with its secret, which is told only here."""

    id: str
    url: str
    events: list[EventsEnum]
    description: str
    is_enabled: bool
    disabled_reason: str
    failing_since: str | None
    created_by: str
    created_at: str
    pending: int
    last: Delivery | None
    secret: str


MarkKindEnum = Literal["box", "ellipse", "polygon", "freehand", "mask", "point"]
"""One of several words."""


class MarkedLesion(TypedDict):
    """A lesion on the image that a person marked and the caller may see."""

    id: str
    finding_type: int
    reader: str


class Mask(TypedDict):
    """A cropped mask in the series grid: [frame, row, column], its extent, and the digest of its run-length blob."""

    origin: list[int]
    shape: list[int]
    digest: str


class MaskRequest(TypedDict):
    """A cropped mask in the series grid: [frame, row, column], its extent, and the digest of its run-length blob."""

    origin: list[int]
    shape: list[int]
    digest: str


class Me(TypedDict):
    """The caller's own account."""

    username: str
    full_name: str
    initials: str
    language: NotRequired[str]
    must_change_password: NotRequired[bool]
    may_create_projects: NotRequired[bool]
    is_admin: bool
    can_keep_identities: bool
    key_bindings: dict[str, str]
    room: RoomPreferences
    tour_seen: NotRequired[bool]
    projects: list[MyProject]


class Measurement(TypedDict):
    """A measurement or arrow on an image: no lesion, it trains nothing."""

    id: str
    kind: MeasurementKindEnum
    sop_instance_uid: str
    frame: int
    points: list[list[float]]
    text: str


MeasurementKindEnum = Literal["angle", "arrow", "bidirectional", "length", "roi"]
"""One of several words."""


class MeasurementRequest(TypedDict):
    """A measurement or arrow on an image: no lesion, it trains nothing."""

    id: str
    kind: MeasurementKindEnum
    sop_instance_uid: str
    frame: int
    points: list[list[float]]
    text: str


class Member(TypedDict):
    """A member and the role."""

    username: str
    full_name: str
    role: RoleEnum


class MemberRequest(TypedDict):
    """A member and the role."""

    username: str
    role: RoleEnum


class Metric(TypedDict):
    """A number with its 95 % interval; a null value has its reason in `note`."""

    metric: str
    finding_type: int | None
    value: float | None
    low: float | None
    high: float | None
    n_patients: int
    n_positive: int
    note: str


MetricEnum = Literal["dice", "findings_auc"]
"""One of several words."""


class ModelCard(TypedDict):
    """The facts of a model card; what is not known is null. `limits`: {code, …numbers}."""

    format: str
    project: dict[str, Any]
    version: dict[str, Any]
    words: CardWords
    finding_types: list[CardFindingType]
    training_data: dict[str, Any]
    splits: list[CardSplit]
    training: dict[str, Any]
    gate: dict[str, Any]
    promotions: list[Promotion]
    validation: CardEvaluation | None
    holdout: CardEvaluation | None
    holdout_looks: dict[str, Any]
    clicks: Clicks | None
    calibration: dict[str, Any]
    onnx: Onnx | None
    limits: list[dict[str, Any]]


class ModelRow(TypedDict):
    """A model version in the list."""

    number: int
    state: ModelStateEnum
    created_at: str
    parent: int | None
    n_labels: int
    released_at: str | None
    metrics: list[Metric]
    n_patients: int


ModelStateEnum = Literal["candidate", "serves", "kept", "waits"]
"""One of several words."""


class ModelVersion(TypedDict):
    """A model version with all it takes to make it again."""

    number: int
    state: ModelStateEnum
    created_at: str
    parent: int | None
    n_labels: int
    snapshot_hash: str
    seed: int
    code_version: str
    steps: int
    core_seconds: float
    weights_sha256: str
    config: dict[str, Any]
    clicks: Clicks | None
    gate: dict[str, Any]
    display_threshold: float
    calibration: dict[str, Any]
    released_at: str | None
    onnx: Onnx | None
    promotions: list[Promotion]
    evaluations: list[Evaluation]
    holdout_looks: int


class MyProject(TypedDict):
    """A project in which the caller has a role."""

    slug: str
    name: str
    role: NotRequired[RoleEnum]
    modality: str
    unit: MyProjectUnitEnum
    synthetic: bool


MyProjectUnitEnum = Literal["image", "series"]
"""One of several words."""


NameEnum = Literal["snapshot", "train", "evaluate", "gate", "predict", "rank"]
"""One of several words."""


class NearDuplicatePair(TypedDict):
    """Two near-duplicates that were read differently. `distance`: differing bits of 256, null where one has no hash."""

    identical: bool
    distance: int | None
    cases: list[LabelledCase]


class NewPersonRequest(TypedDict):
    """What an administrator gives to make an account; without a password a one-time one is drawn."""

    username: str
    full_name: NotRequired[str]
    password: NotRequired[str]


class NewTokenRequest(TypedDict):
    """What a person gives to make a token."""

    name: str
    scopes: NotRequired[list[str]]
    expires_at: NotRequired[str | None]


class NextCase(TypedDict):
    """The leased case, or null when nothing is left to read."""

    case: str | None


class NextInRequest(TypedDict):
    """Where the caller comes from."""

    after: NotRequired[str | None]


class Node(TypedDict):
    """A node as it is told."""

    id: str
    name: str
    kind: NodeKindEnum
    host: str
    port: int | None
    ae_title: str
    calling_ae_title: str
    retrieval: RetrievalEnum
    may_send: bool
    sends_from: str
    uses_tls: bool
    tls_name: str
    tls_authority: str
    base_url: str
    authentication: AuthenticationEnum
    username: str
    has_secret: bool


class NodeAnswer(TypedDict):
    """Whether a node answers, how fast, and why not."""

    is_reachable: bool
    seconds: float | None
    reason: str


class NodeInRequest(TypedDict):
    """A new node."""

    name: str
    host: NotRequired[str]
    port: NotRequired[int | None]
    ae_title: NotRequired[str]
    calling_ae_title: NotRequired[str]
    retrieval: NotRequired[RetrievalEnum]
    may_send: NotRequired[bool]
    sends_from: NotRequired[str]
    uses_tls: NotRequired[bool]
    tls_name: NotRequired[str]
    tls_authority: NotRequired[str]
    base_url: NotRequired[str]
    authentication: NotRequired[AuthenticationEnum]
    username: NotRequired[str]
    secret: NotRequired[str]
    kind: NodeKindEnum


NodeKindEnum = Literal["dimse", "dicomweb"]
"""One of several words."""


NullEnum: TypeAlias = None
"""One of several words."""


class OfferedFileRequest(TypedDict):
    """A file that will be sent."""

    name: str
    size: int


class Onnx(TypedDict):
    """An ONNX file that was exported and checked: the largest difference from the network on so many images."""

    created_at: str
    sha256: str
    bytes: int
    difference: float
    tolerance: float
    images: int
    noise_images: int
    precision: str
    onnxruntime: str
    torch: str


class OrderedJob(TypedDict):
    """The job that was ordered."""

    job: str


class Outcome(TypedDict):
    """What became of one study (counts of its images) or of one reading (its objects)."""

    number: int
    state: OutcomeStateEnum
    reason: str
    announced: NotRequired[int | None]
    received: NotRequired[int]
    failed: NotRequired[int]
    reading: NotRequired[str]
    case: NotRequired[str]
    reader: NotRequired[str]
    revision: NotRequired[int]
    objects: NotRequired[list[SentObject]]


OutcomeStateEnum = Literal["waiting", "received", "done", "failed"]
"""One of several words."""


Pace = TypedDict(
    "Pace",
    {
        "today": "int",
        "median_seconds": "float | None",
        "low_seconds": "float | None",
        "high_seconds": "float | None",
        "days": "list[PaceDay]",
        "submitted": "int",
        "total": "int",
        "decisions": "DecisionCounts",
        "decision_seconds": "float | None",
        "looks": "LookCounts",
        "continue": "WorklistRow | None",
    },
)
"""How the caller gets on; the seconds are quartiles over the last fourteen days, null without any."""


class PaceDay(TypedDict):
    """Cases submitted on a day (UTC)."""

    date: str
    count: int


class Pacs(TypedDict):
    """Nodes and receiving."""

    nodes: list[Node]
    receiving: Receiving
    deid_profile: str


class PatchedCardTextRequest(TypedDict):
    """What people alone can say of the project's models."""

    intended_use: NotRequired[str]
    not_for: NotRequired[str]
    remarks: NotRequired[str]


class PatchedFindingTypeChangeRequest(TypedDict):
    """A change of an entry; its scope stays."""

    name: NotRequired[str]
    colour: NotRequired[str]
    key: NotRequired[str]
    allowed_marks: NotRequired[list[AllowedMarksEnum]]
    code_scheme: NotRequired[str]
    code_value: NotRequired[str]
    code_meaning: NotRequired[str]
    attributes: NotRequired[list[AttributeInRequest]]
    position: NotRequired[int]
    retired: NotRequired[bool]


class PatchedForeignModelChoiceRequest(TypedDict):
    """Whether readers are shown its findings, instead of those of the version that serves."""

    is_shown: NotRequired[bool]


class PatchedMeChangeRequest(TypedDict):
    """What a person may change of his own account."""

    language: NotRequired[LanguageEnum]
    key_bindings: NotRequired[dict[str, str]]
    tour_seen: NotRequired[bool]
    room: NotRequired[RoomPreferencesRequest]


class PatchedNodeFieldsRequest(TypedDict):
    """A node as it is entered; `secret` is the password or token and is never told again."""

    name: NotRequired[str]
    host: NotRequired[str]
    port: NotRequired[int | None]
    ae_title: NotRequired[str]
    calling_ae_title: NotRequired[str]
    retrieval: NotRequired[RetrievalEnum]
    may_send: NotRequired[bool]
    sends_from: NotRequired[str]
    uses_tls: NotRequired[bool]
    tls_name: NotRequired[str]
    tls_authority: NotRequired[str]
    base_url: NotRequired[str]
    authentication: NotRequired[AuthenticationEnum]
    username: NotRequired[str]
    secret: NotRequired[str]


class PatchedPolicyRequest(TypedDict):
    """When a round starts by itself and how it trains."""

    enabled: NotRequired[bool]
    every_n_readings: NotRequired[int]
    acquisition: NotRequired[AcquisitionEnum]
    batch_size: NotRequired[int]
    random_share: NotRequired[float]
    target_dice: NotRequired[float]
    dimension: NotRequired[DimensionEnum]
    encoder: NotRequired[EncoderEnum]
    learns_unread: NotRequired[bool]
    gate_margin: NotRequired[float | None]
    unproven_serves: NotRequired[bool]
    generic_outlines: NotRequired[GenericOutlinesEnum]
    image_size: NotRequired[int | None]
    steps_scratch: NotRequired[int]
    steps_warm: NotRequired[int]
    slow_growth: NotRequired[int]
    slow_start: NotRequired[SlowStartEnum]
    slow_hour: NotRequired[int | None]
    seed: NotRequired[int]


class PatchedProjectChangeRequest(TypedDict):
    """What of a project may change."""

    name: NotRequired[str]
    question: NotRequired[str]
    blinded_share: NotRequired[float]
    readings_wanted: NotRequired[int]
    laterality_matters: NotRequired[bool]
    first_look: NotRequired[bool]
    accept_all: NotRequired[bool]
    display_threshold: NotRequired[float]
    false_positives_allowed: NotRequired[float | None]
    lease_minutes: NotRequired[int]


class PatchedWatchedSourceChangeRequest(TypedDict):
    """Pause or go on; what happens to originals."""

    is_enabled: NotRequired[bool]
    delete_after: NotRequired[bool]


class PatchedWebhookChangeRequest(TypedDict):
    """What to change."""

    url: NotRequired[str]
    events: NotRequired[list[EventsEnum]]
    description: NotRequired[str]
    is_enabled: NotRequired[bool]


class Person(TypedDict):
    """A user as others see him."""

    username: str
    full_name: str


class PixelRule(TypedDict):
    """What is blanked in all images of one device and size."""

    id: int
    manufacturer: str
    model: str
    rows: int
    columns: int
    rectangles: list[list[int]]
    made_by: str
    created_at: str


class Policy(TypedDict):
    """When a round starts by itself and how it trains."""

    enabled: NotRequired[bool]
    every_n_readings: int
    acquisition: AcquisitionEnum
    batch_size: int
    random_share: float
    target_dice: float
    dimension: NotRequired[DimensionEnum]
    encoder: NotRequired[EncoderEnum]
    learns_unread: NotRequired[bool]
    gate_margin: NotRequired[float | None]
    unproven_serves: NotRequired[bool]
    generic_outlines: NotRequired[GenericOutlinesEnum]
    generic_available: bool
    image_size: int | None
    steps_scratch: int
    steps_warm: int
    slow_growth: int
    slow_start: SlowStartEnum
    slow_hour: int | None
    seed: NotRequired[int]


class PredictedCase(TypedDict):
    """A case that the model has read."""

    case: str
    name: str
    revision: int
    revision_id: str
    written_at: str


class PredictedCases(TypedDict):
    """A page of them."""

    total: int
    results: list[PredictedCase]


class PredictedLesionRequest(TypedDict):
    """A lesion that the model found: points in SCOORD convention, or a mask whose blob was stored before."""

    finding_type: int
    kind: MarkKindEnum
    sop_instance_uid: str
    frame: NotRequired[int]
    points: NotRequired[list[list[float]]]
    mask: NotRequired[MaskRequest | None]
    attributes: NotRequired[dict[str, str]]
    score: float


class PredictionRequest(TypedDict):
    """All that the model found in a case. The same `revision_id` again is answered as it was the first time."""

    revision_id: str
    lesions: list[PredictedLesionRequest]
    image_findings: NotRequired[dict[str, float]]


class PriorCase(TypedDict):
    """A case of an earlier study."""

    id: str
    name: str


class PriorLesions(TypedDict):
    """How many lesions of a type."""

    finding_type: int
    count: int


class PriorReading(TypedDict):
    """A submitted reading of the patient's earlier study; `image_findings` are those present."""

    case: PriorCase
    study_date: str
    reader: Reader
    is_own: bool
    verdict: VerdictEnum | BlankEnum
    lesions: list[PriorLesions]
    image_findings: list[int]
    comment: str
    submitted_at: str | None


class Progress(TypedDict):
    """How far the training is; empty before it begins."""

    step: NotRequired[int]
    steps: NotRequired[int]
    loss: NotRequired[float]
    images_per_second: NotRequired[float]
    seconds_left: NotRequired[float]
    elapsed: NotRequired[float]


class Project(TypedDict):
    """A project as one of its members sees it."""

    id: str
    slug: str
    name: str
    question: str
    modality: str
    unit: UnitEnum
    synthetic: bool
    archive: Archive
    vocabulary_version: int
    validation_share: float
    holdout_share: float
    blinded_share: float
    readings_wanted: int
    laterality_matters: bool
    first_look: bool
    accept_all: bool
    display_threshold: float
    false_positives_allowed: float | None
    role: RoleEnum
    may_reidentify: bool
    finding_types: list[FindingType]
    counts: CaseCounts


class ProjectInRequest(TypedDict):
    """A new project."""

    name: str
    slug: NotRequired[str]
    question: NotRequired[str]
    modality: NotRequired[str]
    unit: NotRequired[UnitEnum]
    archive: NotRequired[str | None]
    deid_profile: NotRequired[DeidProfileEnum]
    deid_options: NotRequired[list[DeidOptionEnum]]
    keeps_identities: NotRequired[bool]
    validation_share: NotRequired[float]
    holdout_share: NotRequired[float]
    blinded_share: NotRequired[float]
    readings_wanted: NotRequired[int]
    laterality_matters: NotRequired[bool]
    first_look: NotRequired[bool]
    accept_all: NotRequired[bool]
    false_positives_allowed: NotRequired[float | None]
    finding_types: NotRequired[list[FindingTypeInRequest]]
    members: NotRequired[list[MemberRequest]]


class Promotion(TypedDict):
    """A version came to serve; `by` is null where the gate let it."""

    created_at: str
    by: str | None
    reason: str
    instead_of: int | None


class PromptRequest(TypedDict):
    """Where a reader points on one frame: clicks on the lesion, clicks beside it, strokes, a box around it (two corners)."""

    sop_instance_uid: str
    frame: NotRequired[int]
    positive: NotRequired[list[list[float]]]
    negative: NotRequired[list[list[float]]]
    strokes: NotRequired[list[PromptStrokeRequest]]
    box: NotRequired[list[list[float]] | None]


class PromptStrokeRequest(TypedDict):
    """A stroke of the pointer over the lesion, or with `positive` false beside it: the places through which it went."""

    positive: bool
    points: list[list[float]]


class Prompted(TypedDict):
    """The clicks, strokes and box from which a tool made a lesion's mask; `version` is null for a tool without a model."""

    version: int | None
    positive: list[list[float]]
    negative: list[list[float]]
    box: list[list[float]] | None
    strokes: NotRequired[list[PromptedStroke]]
    generic: NotRequired[GenericNetwork]


class PromptedRequest(TypedDict):
    """The clicks, strokes and box from which a tool made a lesion's mask; `version` is null for a tool without a model."""

    version: int | None
    positive: list[list[float]]
    negative: list[list[float]]
    box: list[list[float]] | None
    strokes: NotRequired[list[PromptedStrokeRequest]]
    generic: NotRequired[GenericNetworkRequest]


class PromptedStroke(TypedDict):
    """A stroke of the pointer over the lesion, or with `positive` false beside it."""

    positive: bool
    points: list[list[float]]


class PromptedStrokeRequest(TypedDict):
    """A stroke of the pointer over the lesion, or with `positive` false beside it."""

    positive: bool
    points: list[list[float]]


class Publication(TypedDict):
    """What of an export is in the archive's DICOMweb: `objects`, of which `current` are shown, the others outdated."""

    is_published: bool
    is_complete: bool
    objects: int
    current: int
    left_out: LeftOut
    error: str
    doing: DoingEnum | NullEnum | None
    progress: ExportProgress


class PullRequest(TypedDict):
    """What to pull from which node."""

    node: str
    studies: list[WantedRequest]


class Quarantine(TypedDict):
    """A page of the quarantine, how much there is, and for which reasons; `total` of those that were asked for."""

    counts: QuarantineCounts
    groups: list[QuarantineGroup]
    total: int
    may_download: bool
    results: list[QuarantinedFile]


class QuarantineCounts(TypedDict):
    """Held for a look, decided about and on their way, refused."""

    held: int
    decided: int
    refused: int


class QuarantineGroup(TypedDict):
    """Files that wait for one reason; `reason` as the first of them has it."""

    group: str
    kind: QuarantineKindEnum
    why: str
    reason: str
    count: int


QuarantineKindEnum = Literal["held", "refused"]
"""One of several words."""


class QuarantinedFile(TypedDict):
    """A file that is kept aside, and through which door it came: `origin` is empty where `sent_by` sent it from the page."""

    format: str
    modality: str
    sop_class_uid: str
    sop_class: str
    transfer_syntax_uid: str
    transfer_syntax: str
    rows: int
    columns: int
    frames: int
    id: str
    kind: QuarantineKindEnum
    state: QuarantinedFileStateEnum
    name: str
    why: str
    reason: str
    group: str
    size: int
    manufacturer: str
    model: str
    origin: str
    sent_by: str
    may_retry: bool
    proposed: list[list[int]]
    created_at: str
    expires_at: str


QuarantinedFileStateEnum = Literal["waiting", "decided", "released", "discarded", "expired", "failed"]
"""One of several words."""


class Reader(TypedDict):
    """Who read."""

    kind: ReaderKindEnum
    name: str


ReaderKindEnum = Literal["person", "model", "imported", "consensus"]
"""One of several words."""


class Reading(TypedDict):
    """All that one reader found in one case; `slices_read` null where nobody recorded which slices were looked at."""

    id: str
    reader: Reader
    state: ReadingStateEnum
    verdict: VerdictEnum | BlankEnum
    verdict_reason: str
    comment: str
    image_findings: dict[str, Any]
    measurements: list[Measurement]
    slices_read: list[list[int]] | None
    lesions: list[Lesion]
    decisions: list[Decision]
    revision: int
    etag: str
    display_threshold: float | None
    active_seconds: float
    updated_at: str
    submitted_at: str | None
    revealed_at: str | None
    revealed_revision: int | None
    revises: Revises | None
    sent_back: SentBack | None
    vocabulary_version: int


ReadingStateEnum = Literal["draft", "submitted"]
"""One of several words."""


ReadonlyEnum = Literal["submitted", "embargoed", "leased"]
"""One of several words."""


class ReasonRequest(TypedDict):
    """Why a person lets another version serve."""

    reason: str


class Received(TypedDict):
    """Bytes of a file that the server holds."""

    received: int


class Receiving(TypedDict):
    """How the project receives: a port is null where the receiver is switched off, or has no such port."""

    is_enabled: bool
    host: str
    port: int | None
    tls_port: int | None
    ae_title: str


class ReceivingTitleRequest(TypedDict):
    """The AE title under which senders reach the project."""

    ae_title: str


class Refusal(TypedDict):
    """Why nothing was changed; `current` where the reading as it is now helps, `undecided` and `lesions` name ids."""

    detail: str
    code: str
    current: NotRequired[Reading]
    undecided: NotRequired[list[str]]
    lesions: NotRequired[dict[str, str]]


class Related(TypedDict):
    """What else of the patient may be looked at; `laterality` and `view` are the case's own."""

    laterality: str
    view: str
    studies: list[RelatedStudy]


class RelatedCase(TypedDict):
    """Another case of the patient, as images alone; `laterality` and `view` of projections, empty where not told."""

    id: str
    name: str
    modality: str
    description: str
    body_part: str
    laterality: str
    view: str
    n_frames: int
    series: RoomSeries


class RelatedStudy(TypedDict):
    """A study of the patient: the case's own, an earlier one, or one of which nobody knows when it was made."""

    study_instance_uid: str
    relation: RelationEnum
    date: str
    description: str
    cases: list[RelatedCase]


RelationEnum = Literal["this", "prior", "undated"]
"""One of several words."""


class ReleaseRequest(TypedDict):
    """Which files to let in, and what to blank in them first; no rectangle: a lead has looked and they show no text."""

    files: list[str]
    rectangles: NotRequired[list[list[int]]]
    whole_device: NotRequired[bool]
    reason: NotRequired[str]


class Released(TypedDict):
    """The job that lets them in, and how many they are."""

    job: str
    files: int


class Replacement(TypedDict):
    """The reviewer's own reading that takes the place of the reviewed one once it is submitted."""

    reading: str
    case: str
    state: ReadingStateEnum


class Retried(TypedDict):
    """How many files will be imported once more."""

    files: int


RetrievalEnum = Literal["move", "get"]
"""One of several words."""


class RetryRequest(TypedDict):
    """Which refused files to import once more."""

    files: list[str]


class Review(TypedDict):
    """What was decided of the reading's present revision; an edit counts once its replacement is submitted."""

    decision: ReviewDecisionEnum
    comment: str
    reviewer: ReviewPerson
    decided_at: str
    is_mine: bool
    replacement: Replacement | None


class ReviewCase(TypedDict):
    """The case that was read."""

    id: str
    name: str
    number: int
    modality: str
    thumbnail: str


class ReviewCounts(TypedDict):
    """Readings by what became of them, of all readers."""

    waiting: int
    reviewed: int
    sent_back: int


ReviewDecisionEnum = Literal["agreed", "edited", "sent_back"]
"""One of several words."""


class ReviewPerson(TypedDict):
    """Who read, or who reviewed."""

    username: str
    name: str


class ReviewQueue(TypedDict):
    """A page of the queue; waiting ones the oldest first, others the newest first."""

    results: list[ReviewRow]
    next: str | None
    counts: ReviewCounts
    readers: list[ReviewPerson]


class ReviewRefusal(TypedDict):
    """Why nothing was decided."""

    detail: str
    code: str


class ReviewRow(TypedDict):
    """A reading with its review; one that was sent back as it was then, without a time of submission."""

    reading: str
    revision: int
    case: ReviewCase
    reader: ReviewPerson
    verdict: VerdictEnum | BlankEnum
    n_lesions: int
    submitted_at: str | None
    arm: ArmEnum
    may_send_back: bool
    review: Review | None


ReviewsEnum = Literal["agreed", "edited", "none"]
"""One of several words."""


class RevisedReader(TypedDict):
    """Whose reading is edited."""

    name: str


class Revises(TypedDict):
    """The reading that a reviewer's own one edits, and the revision of it from which the edit began."""

    reading: str
    reader: RevisedReader
    revision: int


class Revision(TypedDict):
    """One save of a reading."""

    id: str
    number: int
    author: str
    created_at: str
    content: Reading


RoleEnum = Literal["reader", "reviewer", "lead"]
"""One of several words."""


class Room(TypedDict):
    """Everything the reading room needs of one case."""

    case: RoomCase
    arm: ArmEnum
    first_look: bool
    begin_at: int | None
    lease: RoomLease
    readonly: ReadonlyEnum | NullEnum | None
    series: RoomSeries
    reading: Reading | None
    model: RoomModel | None
    others: list[Reading]
    next: list[RoomNext]


class RoomCalibration(TypedDict):
    """Whether scores of findings have a probability: `method` 'platt', or 'none' with its reason in `note`."""

    method: str
    note: str
    n: int
    n_patients: int


class RoomCase(TypedDict):
    """The case."""

    id: str
    name: str
    modality: str
    unit: UnitEnum
    n_frames: int
    synthetic: bool
    context: RoomContext


class RoomContext(TypedDict):
    """What the header says of the examination, and the texts that were imported with it."""

    body_part: str
    protocol: str
    scanner: str
    age: str
    sex: str
    study_date: str
    study_description: str
    indication: str
    report: str


class RoomInstance(TypedDict):
    """An image of the case; `pixel_spacing` is between rows, then between columns, in mm."""

    sop_instance_uid: str
    rows: int
    columns: int
    number_of_frames: int
    pixel_spacing: list[float] | None
    pixels: str


class RoomLease(TypedDict):
    """Until when the caller holds the case, or who else does."""

    expires_at: str | None
    held_by: str | None


class RoomModel(TypedDict):
    """The model's reading of the case: what reached the display threshold; `froc` null where it was not measured."""

    version: int | None
    name: str
    display_threshold: float
    calibration: RoomCalibration
    reading_id: str
    froc: Froc | None
    findings: list[Lesion]
    probabilities: dict[str, float | None]
    image_findings: dict[str, Any]
    image_probabilities: dict[str, float | None]


class RoomNext(TypedDict):
    """A case to come, to load ahead."""

    id: str
    name: str
    thumbnail: str


class RoomPreferences(TypedDict):
    """How a person likes the reading room: layout by modality, width of the left panel in CSS pixels, linked views."""

    layouts: NotRequired[dict[str, Literal["1x1", "1x2", "2x2", "mpr"]]]
    left_width: NotRequired[int]
    linked: NotRequired[bool]


class RoomPreferencesRequest(TypedDict):
    """How a person likes the reading room: layout by modality, width of the left panel in CSS pixels, linked views."""

    layouts: NotRequired[dict[str, Literal["1x1", "1x2", "2x2", "mpr"]]]
    left_width: NotRequired[int]
    linked: NotRequired[bool]


class RoomSeries(TypedDict):
    """Where the pixels are; instances in reading order."""

    study_instance_uid: str
    series_instance_uid: str
    wado_root: str
    frame_of_reference_uid: str
    instances: list[RoomInstance]


class Round(TypedDict):
    """A round with its live progress."""

    number: int
    state: RoundStateEnum
    trigger: TriggerEnum
    track: TrackEnum
    start: StartEnum
    reason: RoundReason
    started_by: str | None
    created_at: str
    finished_at: str | None
    message: str
    n_labels: int | None
    base_version: int | None
    model_version: int | None
    settings: dict[str, Any]
    n_unread: int
    second_from: int | None
    steps: list[Step]
    progress: Progress
    loss: list[list[float]]
    log: list[str]
    metrics: list[Metric]


class RoundReason(TypedDict):
    """Why a round was started; the numbers are null where its code has none."""

    code: RoundReasonCodeEnum
    n: int | None
    percent: int | None
    version: int | None


RoundReasonCodeEnum = Literal["by_hand", "first", "readings", "growth", "nightly"]
"""One of several words."""


class RoundRow(TypedDict):
    """A round in the history."""

    number: int
    state: RoundStateEnum
    track: TrackEnum
    reason: RoundReason
    created_at: str
    finished_at: str | None
    message: str
    n_labels: int | None
    model_version: int | None
    model_state: ModelStateEnum | NullEnum | None
    metrics: list[Metric]
    progress: Progress


class RoundStartRequest(TypedDict):
    """Which track to train on; without it the fast one where a version serves."""

    track: NotRequired[TrackEnum]


RoundStateEnum = Literal[
    "queued", "snapshot", "training", "evaluating", "gating", "predicting", "ranking", "done", "failed", "cancelled"
]
"""One of several words."""


class SaveRequest(TypedDict):
    """A save: what changed since the revision named in If-Match. A field that is absent stays as it is."""

    revision_id: str
    lesions: NotRequired[LesionChangesRequest]
    decisions: NotRequired[DecisionChangesRequest]
    verdict: NotRequired[VerdictEnum | BlankEnum]
    verdict_reason: NotRequired[str]
    comment: NotRequired[str]
    image_findings: NotRequired[dict[str, Any]]
    measurements: NotRequired[list[MeasurementRequest]]
    slices_read: NotRequired[list[list[int]]]
    display_threshold: NotRequired[float | None]
    active_seconds: NotRequired[float]


class SearchKeysRequest(TypedDict):
    """What studies are looked for; dates are YYYYMMDD."""

    patient_id: NotRequired[str]
    patient_name: NotRequired[str]
    accession_number: NotRequired[str]
    study_description: NotRequired[str]
    modality: NotRequired[str]
    date_from: NotRequired[str]
    date_to: NotRequired[str]


class SecondLook(TypedDict):
    """What deserves a second look; pairs with a case that the caller is still to read are counted in `blinded_pairs`."""

    doubts: Doubts | None
    pairs: list[NearDuplicatePair]
    blinded_pairs: int


class Segment(TypedDict):
    """What the model version, or a general-purpose network (`version` null), makes of a prompt; no mask: it sees nothing."""

    version: int | None
    generic: GenericNetwork | None
    mask: SegmentMask | None


class SegmentMask(TypedDict):
    """A mask in the series grid, cropped: its first voxel [frame, row, column], its shape, its run-length blob in base64."""

    origin: list[int]
    shape: list[int]
    runs: str


class SendRequest(TypedDict):
    """Which readings to send to which node."""

    node: str
    readings: list[str]


class Sendable(TypedDict):
    """A reading whose objects can be sent, and the nodes that have its present revision."""

    id: str
    case: str
    reader: str
    submitted_at: str | None
    sent_to: list[str]
    arrows: int


class SentBack(TypedDict):
    """What a reviewer says who sent a reading back to its reader, and the reviewer's name."""

    comment: str
    by: str


class SentObject(TypedDict):
    """A SEG or SR that was sent; `reason`: why it was not stored."""

    modality: str
    uid: str
    reason: str


class Side(TypedDict):
    """How one version did in one case, at its display threshold."""

    dice: float | None
    sensitivity: float | None
    false_positives: int | None
    score: float | None


SlowStartEnum = Literal["scratch", "shrink_perturb"]
"""One of several words."""


class SplitCounts(TypedDict):
    """Cases by split."""

    POOL: int
    VALIDATION: int
    HOLDOUT: int
    EMBARGOED: int
    embargoed: list[EmbargoedCase]


SplitEnum = Literal["POOL", "VALIDATION", "HOLDOUT", "EMBARGOED"]
"""One of several words."""


StartEnum = Literal["warm", "scratch", "shrink_perturb"]
"""One of several words."""


class StartImportRequest(TypedDict):
    """`skip_unfinished`: files that are not complete are refused instead of waited for."""

    skip_unfinished: NotRequired[bool]


class Step(TypedDict):
    """One of the six steps of a round."""

    name: NameEnum
    state: StepStateEnum
    detail: str


StepStateEnum = Literal["done", "live", "todo", "failed"]
"""One of several words."""


class StoredPrediction(TypedDict):
    """What was stored, in numbers."""

    reading: str
    case: str
    revision: int
    lesions: int
    image_findings: int


class StudyUidRequest(TypedDict):
    """Which study's series."""

    study: str


class Subgroup(TypedDict):
    """A group of cases, or of lesions; `start` and `end` bound a size. An empty `group`: what no header states."""

    dimension: str
    group: str
    unit: str
    start: float | None
    end: float | None
    n_cases: int
    n_patients: int
    metrics: list[Metric]
    note: str


class Token(TypedDict):
    """A bearer token without its text."""

    id: int
    name: str
    prefix: str
    scopes: NotRequired[Any]
    created_at: str
    expires_at: NotRequired[str | None]
    revoked_at: NotRequired[str | None]
    last_used_at: NotRequired[str | None]


TrackEnum = Literal["fast", "slow"]
"""One of several words."""


class Transfer(TypedDict):
    """A pull or a send, and how far it is."""

    id: str
    node: str
    direction: TransferDirectionEnum
    state: JobStateEnum
    phase: str
    done: int
    total: int | None
    error: str
    outcomes: list[Outcome]
    import_run: str | None
    may_resume: bool
    created_by: str
    created_at: str


TransferDirectionEnum = Literal["pull", "send"]
"""One of several words."""


class TriedAgain(TypedDict):
    """The imports that try them, one for each set of options under which they came, and how many files they are."""

    imports: list[str]
    jobs: list[str]
    files: int


TriggerEnum = Literal["button", "policy"]
"""One of several words."""


UnitEnum = Literal["image", "series"]
"""One of several words."""


VerdictEnum = Literal["lesions", "no_lesion", "not_readable", "deferred"]
"""One of several words."""


class Verification(TypedDict):
    """The round-trip proof of an export."""

    ok: bool
    format: str
    product_version: str
    verified_at: str
    readings: int
    lesions: int
    voxels: int
    furthest_pixels: float
    tolerance_pixels: float
    compared: list[str]
    changed_since: int
    n_differences: int
    differences: list[str]
    lost: list[str]


VolumesEnum = Literal["images", "masks"]
"""One of several words."""


class WaitingReading(TypedDict):
    """A reading that waits for its images; `names` are the first of those it speaks of."""

    id: str
    source: str
    format: str
    reader: str
    lesions: int
    images: int
    names: list[str]
    reason: str
    created_at: str


class WaitingReadings(TypedDict):
    """Readings that wait."""

    total: int
    results: list[WaitingReading]


class WantedRequest(TypedDict):
    """A study to pull: whole, or some of its series."""

    study: str
    series: NotRequired[list[str]]
    instances: NotRequired[int | None]


class WatchedCounts(TypedDict):
    """Files by state."""

    growing: int
    waiting: int
    taken: int
    imported: int
    refused: int
    vanished: int


WatchedFile = TypedDict(
    "WatchedFile",
    {"name": "str", "size": "int", "state": "WatchedStateEnum", "reason": "str", "seen_at": "str", "import": "str | None"},
)
"""A file that was seen, and what became of it."""


class WatchedFiles(TypedDict):
    """A page of files, those that need eyes first."""

    total: int
    results: list[WatchedFile]


WatchedKindEnum = Literal["folder", "bucket"]
"""One of several words."""


class WatchedSource(TypedDict):
    """A place that is followed; `error`: why the last look failed."""

    id: str
    kind: WatchedKindEnum
    location: str
    region: str
    endpoint: str
    options: ImportOptions
    delete_after: bool
    is_enabled: bool
    error: str
    looked_at: str | None
    created_by: str
    created_at: str
    counts: WatchedCounts


class WatchedSourceInRequest(TypedDict):
    """A place to follow. `location`: a folder's path, or 'bucket/prefix' of a bucket; `endpoint` is empty for AWS."""

    kind: WatchedKindEnum
    location: str
    region: NotRequired[str]
    endpoint: NotRequired[str]
    credentials: NotRequired[CredentialsRequest | None]
    options: NotRequired[ImportOptionsRequest]
    delete_after: NotRequired[bool]


class WatchedSources(TypedDict):
    """What is followed; `roots` and `endpoints`: where the operator allows it; `seconds` between two looks."""

    roots: list[str]
    endpoints: list[str]
    seconds: float
    results: list[WatchedSource]


WatchedStateEnum = Literal["growing", "waiting", "taken", "imported", "refused", "vanished"]
"""One of several words."""


class Webhook(TypedDict):
    """A webhook; `disabled_reason` where the product switched it off."""

    id: str
    url: str
    events: list[EventsEnum]
    description: str
    is_enabled: bool
    disabled_reason: str
    failing_since: str | None
    created_by: str
    created_at: str
    pending: int
    last: Delivery | None


WebhookEventEnum = Literal[
    "reading.submitted",
    "reading.reviewed",
    "round.finished",
    "model.promoted",
    "import.finished",
    "export.finished",
    "webhook.test",
]
"""One of several words."""


class WebhookInRequest(TypedDict):
    """A new webhook."""

    url: str
    events: list[EventsEnum]
    description: NotRequired[str]


class WorkingReader(TypedDict):
    """A member at work: seconds are medians over the last fourteen days, null without any."""

    username: str
    name: str
    role: RoleEnum
    held: list[HeldCase]
    in_progress: int
    submitted: int
    deferred: int
    median_seconds: float | None
    decision_seconds: float | None
    decisions: DecisionCounts
    looks: LookCounts


class Worklist(TypedDict):
    """A page of the worklist."""

    counts: WorklistCounts
    total: int
    results: list[WorklistRow]


class WorklistCounts(TypedDict):
    """Cases by the caller's state."""

    all: int
    to_read: int
    in_progress: int
    submitted: int
    deferred: int


class WorklistHolder(TypedDict):
    """Who has, or had, the case, in which arm, how far; until when it is held, null when it is not."""

    username: str
    name: str
    arm: ArmEnum
    state: AssignmentStateEnum
    held_until: str | None


class WorklistReason(TypedDict):
    """Why a case stands where it stands; of a series the slices (1-based) that the model would have read first."""

    kind: WorklistReasonKindEnum
    detail: str
    slices: list[int]


WorklistReasonKindEnum = Literal["random", "uncertain", "likely", "different", "imported", "first"]
"""One of several words."""


class WorklistRow(TypedDict):
    """One case as the caller may see it; a blinded row tells nothing of the model."""

    id: str
    name: str
    state: WorklistRowStateEnum
    blinded: bool
    first_look: bool
    given: bool
    sent_back: SentBack | None
    reason: WorklistReason | None
    top_score: float | None
    n_findings: int | None
    n_decided: int | None
    note: str
    changed_at: str | None
    modality: str
    n_frames: int
    thumbnail: str
    leased_by: str | None
    split: NotRequired[SplitEnum]
    arm: NotRequired[ArmEnum]
    source_name: NotRequired[str]
    readers: NotRequired[list[WorklistHolder]]
    burnt_in: NotRequired[int]


WorklistRowStateEnum = Literal["to_read", "in_progress", "submitted", "deferred"]
"""One of several words."""


Operation = Literal[
    "blob_read",
    "blob_write",
    "burnt_in_dismiss",
    "burnt_in_list",
    "burnt_in_report",
    "case_blank",
    "case_give",
    "case_open",
    "case_prior_readings",
    "case_read",
    "case_related",
    "case_release",
    "case_segment",
    "case_thumbnail",
    "export_cancel",
    "export_coco",
    "export_create",
    "export_delete",
    "export_download",
    "export_formats",
    "export_list",
    "export_masks",
    "export_preview",
    "export_publish",
    "export_read",
    "export_verify",
    "export_withdraw",
    "finding_type_create",
    "finding_type_list",
    "finding_type_update",
    "foreign_model_list",
    "foreign_model_register",
    "foreign_model_show",
    "identity_export",
    "identity_look_up",
    "identity_switch",
    "identity_table",
    "import_create",
    "import_formats",
    "import_items",
    "import_list",
    "import_read",
    "import_start",
    "import_upload",
    "inquiry_cancel",
    "inquiry_read",
    "inquiry_start",
    "inspection_cases",
    "inspection_order",
    "inspection_pictures",
    "inspection_read",
    "job_list",
    "job_read",
    "learning_read",
    "me_read",
    "me_update",
    "member_list",
    "member_remove",
    "member_set",
    "model_card",
    "model_card_text",
    "model_cases",
    "model_compare",
    "model_evaluate_holdout",
    "model_export_onnx",
    "model_list",
    "model_onnx",
    "model_promote",
    "model_read",
    "model_release",
    "node_create",
    "node_delete",
    "node_search",
    "node_series",
    "node_test",
    "node_update",
    "pacs_read",
    "pixel_rule_list",
    "pixel_rule_remove",
    "policy_read",
    "policy_update",
    "prediction_list",
    "prediction_write",
    "project_create",
    "project_list",
    "project_read",
    "project_update",
    "quarantine_discard",
    "quarantine_download",
    "quarantine_list",
    "quarantine_preview",
    "quarantine_release",
    "quarantine_retry",
    "reader_list",
    "reading_reopen",
    "reading_reveal",
    "reading_revisions",
    "reading_save",
    "reading_submit",
    "receiving_title_set",
    "review_decide",
    "review_edit",
    "review_list",
    "round_cancel",
    "round_list",
    "round_read",
    "round_start",
    "second_look_read",
    "split_read",
    "token_create",
    "token_list",
    "token_revoke",
    "transfer_cancel",
    "transfer_list",
    "transfer_pull",
    "transfer_resume",
    "transfer_send",
    "transfer_sendable",
    "user_create",
    "user_list",
    "waiting_discard",
    "waiting_list",
    "watch_create",
    "watch_delete",
    "watch_files",
    "watch_list",
    "watch_retry",
    "watch_update",
    "webhook_create",
    "webhook_delete",
    "webhook_deliveries",
    "webhook_list",
    "webhook_redeliver",
    "webhook_test",
    "webhook_update",
    "worklist_next",
    "worklist_pace",
    "worklist_read",
]
"""What the API can do, by the name of each operation."""

ADDRESSES: Final[dict[Operation, tuple[str, str]]] = {
    "blob_read": ("GET", "/api/v1/projects/{slug}/blobs/{digest}/"),
    "blob_write": ("PUT", "/api/v1/projects/{slug}/blobs/{digest}/"),
    "burnt_in_dismiss": ("POST", "/api/v1/projects/{slug}/cases/{case_id}/burnt-in-reports/dismiss/"),
    "burnt_in_list": ("GET", "/api/v1/projects/{slug}/burnt-in-reports/"),
    "burnt_in_report": ("POST", "/api/v1/projects/{slug}/burnt-in-reports/"),
    "case_blank": ("POST", "/api/v1/projects/{slug}/cases/{case_id}/blank/"),
    "case_give": ("POST", "/api/v1/projects/{slug}/cases/{case_id}/give/"),
    "case_open": ("POST", "/api/v1/projects/{slug}/cases/{case_id}/open/"),
    "case_prior_readings": ("GET", "/api/v1/projects/{slug}/cases/{case_id}/prior-readings/"),
    "case_read": ("GET", "/api/v1/projects/{slug}/cases/{case_id}/"),
    "case_related": ("GET", "/api/v1/projects/{slug}/cases/{case_id}/related/"),
    "case_release": ("POST", "/api/v1/projects/{slug}/cases/{case_id}/release/"),
    "case_segment": ("POST", "/api/v1/projects/{slug}/cases/{case_id}/segment/"),
    "case_thumbnail": ("GET", "/api/v1/projects/{slug}/cases/{case_id}/thumbnail/"),
    "export_cancel": ("POST", "/api/v1/projects/{slug}/exports/{export_id}/cancel/"),
    "export_coco": ("GET", "/api/v1/projects/{slug}/exports/coco/"),
    "export_create": ("POST", "/api/v1/projects/{slug}/exports/"),
    "export_delete": ("DELETE", "/api/v1/projects/{slug}/exports/{export_id}/"),
    "export_download": ("GET", "/api/v1/projects/{slug}/exports/{export_id}/file/"),
    "export_formats": ("GET", "/api/v1/projects/{slug}/exports/formats/"),
    "export_list": ("GET", "/api/v1/projects/{slug}/exports/"),
    "export_masks": ("GET", "/api/v1/projects/{slug}/exports/masks/"),
    "export_preview": ("POST", "/api/v1/projects/{slug}/exports/preview/"),
    "export_publish": ("POST", "/api/v1/projects/{slug}/exports/{export_id}/publish/"),
    "export_read": ("GET", "/api/v1/projects/{slug}/exports/{export_id}/"),
    "export_verify": ("POST", "/api/v1/projects/{slug}/exports/{export_id}/verify/"),
    "export_withdraw": ("POST", "/api/v1/projects/{slug}/exports/{export_id}/withdraw/"),
    "finding_type_create": ("POST", "/api/v1/projects/{slug}/finding-types/"),
    "finding_type_list": ("GET", "/api/v1/projects/{slug}/finding-types/"),
    "finding_type_update": ("PATCH", "/api/v1/projects/{slug}/finding-types/{finding_type_id}/"),
    "foreign_model_list": ("GET", "/api/v1/projects/{slug}/foreign-models/"),
    "foreign_model_register": ("POST", "/api/v1/projects/{slug}/foreign-models/"),
    "foreign_model_show": ("PATCH", "/api/v1/projects/{slug}/foreign-models/{model_id}/"),
    "identity_export": ("POST", "/api/v1/projects/{slug}/identities/export/"),
    "identity_look_up": ("POST", "/api/v1/projects/{slug}/identities/look-up/"),
    "identity_switch": ("PUT", "/api/v1/projects/{slug}/identities/"),
    "identity_table": ("GET", "/api/v1/projects/{slug}/identities/"),
    "import_create": ("POST", "/api/v1/projects/{slug}/imports/"),
    "import_formats": ("GET", "/api/v1/projects/{slug}/imports/formats/"),
    "import_items": ("GET", "/api/v1/projects/{slug}/imports/{run_id}/items/"),
    "import_list": ("GET", "/api/v1/projects/{slug}/imports/"),
    "import_read": ("GET", "/api/v1/projects/{slug}/imports/{run_id}/"),
    "import_start": ("POST", "/api/v1/projects/{slug}/imports/{run_id}/start/"),
    "import_upload": ("PUT", "/api/v1/projects/{slug}/imports/{run_id}/files/{item_id}/"),
    "inquiry_cancel": ("POST", "/api/v1/projects/{slug}/inquiries/{kind}/cancel/"),
    "inquiry_read": ("GET", "/api/v1/projects/{slug}/inquiries/{kind}/"),
    "inquiry_start": ("POST", "/api/v1/projects/{slug}/inquiries/{kind}/"),
    "inspection_cases": ("GET", "/api/v1/projects/{slug}/inspection-cases/"),
    "inspection_order": ("POST", "/api/v1/projects/{slug}/models/{number}/inspections/{case_id}/"),
    "inspection_pictures": ("GET", "/api/v1/projects/{slug}/models/{number}/inspections/{case_id}/pictures/"),
    "inspection_read": ("GET", "/api/v1/projects/{slug}/models/{number}/inspections/{case_id}/"),
    "job_list": ("GET", "/api/v1/projects/{slug}/jobs/"),
    "job_read": ("GET", "/api/v1/projects/{slug}/jobs/{job_id}/"),
    "learning_read": ("GET", "/api/v1/projects/{slug}/learning/"),
    "me_read": ("GET", "/api/v1/me/"),
    "me_update": ("PATCH", "/api/v1/me/"),
    "member_list": ("GET", "/api/v1/projects/{slug}/members/"),
    "member_remove": ("DELETE", "/api/v1/projects/{slug}/members/{username}/"),
    "member_set": ("PUT", "/api/v1/projects/{slug}/members/"),
    "model_card": ("GET", "/api/v1/projects/{slug}/models/{number}/card/"),
    "model_card_text": ("PATCH", "/api/v1/projects/{slug}/card-text/"),
    "model_cases": ("GET", "/api/v1/projects/{slug}/models/{number}/cases/"),
    "model_compare": ("GET", "/api/v1/projects/{slug}/models/{number}/compare/"),
    "model_evaluate_holdout": ("POST", "/api/v1/projects/{slug}/models/{number}/evaluate-holdout/"),
    "model_export_onnx": ("POST", "/api/v1/projects/{slug}/models/{number}/onnx/"),
    "model_list": ("GET", "/api/v1/projects/{slug}/models/"),
    "model_onnx": ("GET", "/api/v1/projects/{slug}/models/{number}/onnx/"),
    "model_promote": ("POST", "/api/v1/projects/{slug}/models/{number}/promote/"),
    "model_read": ("GET", "/api/v1/projects/{slug}/models/{number}/"),
    "model_release": ("POST", "/api/v1/projects/{slug}/models/{number}/release/"),
    "node_create": ("POST", "/api/v1/projects/{slug}/pacs/"),
    "node_delete": ("DELETE", "/api/v1/projects/{slug}/pacs/nodes/{node_id}/"),
    "node_search": ("POST", "/api/v1/projects/{slug}/pacs/nodes/{node_id}/studies/"),
    "node_series": ("POST", "/api/v1/projects/{slug}/pacs/nodes/{node_id}/series/"),
    "node_test": ("POST", "/api/v1/projects/{slug}/pacs/nodes/{node_id}/test/"),
    "node_update": ("PATCH", "/api/v1/projects/{slug}/pacs/nodes/{node_id}/"),
    "pacs_read": ("GET", "/api/v1/projects/{slug}/pacs/"),
    "pixel_rule_list": ("GET", "/api/v1/projects/{slug}/pixel-rules/"),
    "pixel_rule_remove": ("DELETE", "/api/v1/projects/{slug}/pixel-rules/{rule_id}/"),
    "policy_read": ("GET", "/api/v1/projects/{slug}/policy/"),
    "policy_update": ("PATCH", "/api/v1/projects/{slug}/policy/"),
    "prediction_list": ("GET", "/api/v1/projects/{slug}/foreign-models/{model_id}/predictions/"),
    "prediction_write": ("PUT", "/api/v1/projects/{slug}/foreign-models/{model_id}/predictions/{case_id}/"),
    "project_create": ("POST", "/api/v1/projects/"),
    "project_list": ("GET", "/api/v1/projects/"),
    "project_read": ("GET", "/api/v1/projects/{slug}/"),
    "project_update": ("PATCH", "/api/v1/projects/{slug}/"),
    "quarantine_discard": ("POST", "/api/v1/projects/{slug}/quarantine/discard/"),
    "quarantine_download": ("GET", "/api/v1/projects/{slug}/quarantine/{file_id}/file/"),
    "quarantine_list": ("GET", "/api/v1/projects/{slug}/quarantine/"),
    "quarantine_preview": ("GET", "/api/v1/projects/{slug}/quarantine/{file_id}/preview/"),
    "quarantine_release": ("POST", "/api/v1/projects/{slug}/quarantine/release/"),
    "quarantine_retry": ("POST", "/api/v1/projects/{slug}/quarantine/retry/"),
    "reader_list": ("GET", "/api/v1/projects/{slug}/readers/"),
    "reading_reopen": ("POST", "/api/v1/projects/{slug}/readings/{reading_id}/reopen/"),
    "reading_reveal": ("POST", "/api/v1/projects/{slug}/readings/{reading_id}/reveal/"),
    "reading_revisions": ("GET", "/api/v1/projects/{slug}/readings/{reading_id}/revisions/"),
    "reading_save": ("PUT", "/api/v1/projects/{slug}/readings/{reading_id}/"),
    "reading_submit": ("POST", "/api/v1/projects/{slug}/readings/{reading_id}/submit/"),
    "receiving_title_set": ("PUT", "/api/v1/projects/{slug}/pacs/receiving/"),
    "review_decide": ("POST", "/api/v1/projects/{slug}/reviews/"),
    "review_edit": ("POST", "/api/v1/projects/{slug}/reviews/edit/"),
    "review_list": ("GET", "/api/v1/projects/{slug}/reviews/"),
    "round_cancel": ("POST", "/api/v1/projects/{slug}/rounds/{number}/cancel/"),
    "round_list": ("GET", "/api/v1/projects/{slug}/rounds/"),
    "round_read": ("GET", "/api/v1/projects/{slug}/rounds/{number}/"),
    "round_start": ("POST", "/api/v1/projects/{slug}/rounds/"),
    "second_look_read": ("GET", "/api/v1/projects/{slug}/second-look/"),
    "split_read": ("GET", "/api/v1/projects/{slug}/splits/"),
    "token_create": ("POST", "/api/v1/me/tokens/"),
    "token_list": ("GET", "/api/v1/me/tokens/"),
    "token_revoke": ("DELETE", "/api/v1/me/tokens/{token_id}/"),
    "transfer_cancel": ("POST", "/api/v1/projects/{slug}/pacs/transfers/{transfer_id}/cancel/"),
    "transfer_list": ("GET", "/api/v1/projects/{slug}/pacs/transfers/"),
    "transfer_pull": ("POST", "/api/v1/projects/{slug}/pacs/transfers/pull/"),
    "transfer_resume": ("POST", "/api/v1/projects/{slug}/pacs/transfers/{transfer_id}/resume/"),
    "transfer_send": ("POST", "/api/v1/projects/{slug}/pacs/transfers/send/"),
    "transfer_sendable": ("GET", "/api/v1/projects/{slug}/pacs/transfers/send/"),
    "user_create": ("POST", "/api/v1/users/"),
    "user_list": ("GET", "/api/v1/users/"),
    "waiting_discard": ("DELETE", "/api/v1/projects/{slug}/waiting-readings/{waiting_id}/"),
    "waiting_list": ("GET", "/api/v1/projects/{slug}/waiting-readings/"),
    "watch_create": ("POST", "/api/v1/projects/{slug}/watched-sources/"),
    "watch_delete": ("DELETE", "/api/v1/projects/{slug}/watched-sources/{source_id}/"),
    "watch_files": ("GET", "/api/v1/projects/{slug}/watched-sources/{source_id}/files/"),
    "watch_list": ("GET", "/api/v1/projects/{slug}/watched-sources/"),
    "watch_retry": ("POST", "/api/v1/projects/{slug}/watched-sources/{source_id}/retry/"),
    "watch_update": ("PATCH", "/api/v1/projects/{slug}/watched-sources/{source_id}/"),
    "webhook_create": ("POST", "/api/v1/projects/{slug}/webhooks/"),
    "webhook_delete": ("DELETE", "/api/v1/projects/{slug}/webhooks/{webhook_id}/"),
    "webhook_deliveries": ("GET", "/api/v1/projects/{slug}/webhooks/{webhook_id}/deliveries/"),
    "webhook_list": ("GET", "/api/v1/projects/{slug}/webhooks/"),
    "webhook_redeliver": ("POST", "/api/v1/projects/{slug}/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver/"),
    "webhook_test": ("POST", "/api/v1/projects/{slug}/webhooks/{webhook_id}/test/"),
    "webhook_update": ("PATCH", "/api/v1/projects/{slug}/webhooks/{webhook_id}/"),
    "worklist_next": ("POST", "/api/v1/projects/{slug}/worklist/next/"),
    "worklist_pace": ("GET", "/api/v1/projects/{slug}/worklist/pace/"),
    "worklist_read": ("GET", "/api/v1/projects/{slug}/worklist/"),
}
"""Method and address of each operation."""
