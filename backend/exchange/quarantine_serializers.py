"""What the endpoints of the quarantine and of the identity table take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.archive.models import QuarantineKind, QuarantineState
from backend.exchange.serializers import FileFactsSerializer


class RectangleField(serializers.ListField):
    """Column, row, width, height in whole pixels; the image's first pixel is 0, 0."""

    child = serializers.IntegerField(min_value=0, max_value=65535)

    def __init__(self, **options: Any) -> None:
        super().__init__(min_length=4, max_length=4, **options)


class QuarantinedFileSerializer(FileFactsSerializer):
    """A file that is kept aside, and through which door it came: `origin` is empty where `sent_by` sent it from the page."""

    id = serializers.CharField()
    kind = serializers.ChoiceField(choices=QuarantineKind.choices)
    state = serializers.ChoiceField(choices=QuarantineState.choices)
    name = serializers.CharField(allow_blank=True)
    why = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    group = serializers.CharField(help_text="Files of one kind and reason have the same.")
    size = serializers.IntegerField()
    manufacturer = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    origin = serializers.CharField(allow_blank=True)
    sent_by = serializers.CharField(allow_blank=True)
    may_retry = serializers.BooleanField(help_text="An import of this file alone may make something of it.")
    proposed = serializers.ListField(child=RectangleField())
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class QuarantineCountsSerializer(serializers.Serializer[Any]):
    """Held for a look, decided about and on their way, refused."""

    held = serializers.IntegerField()
    decided = serializers.IntegerField()
    refused = serializers.IntegerField()


class QuarantineGroupSerializer(serializers.Serializer[Any]):
    """Files that wait for one reason; `reason` as the first of them has it."""

    group = serializers.CharField()
    kind = serializers.ChoiceField(choices=QuarantineKind.choices)
    why = serializers.CharField(allow_blank=True)
    reason = serializers.CharField()
    count = serializers.IntegerField()


class QuarantineSerializer(serializers.Serializer[Any]):
    """A page of the quarantine, how much there is, and for which reasons; `total` of those that were asked for."""

    counts = QuarantineCountsSerializer()
    groups = QuarantineGroupSerializer(many=True)
    total = serializers.IntegerField()
    may_download = serializers.BooleanField(help_text="The caller may have the files as they came.")
    results = QuarantinedFileSerializer(many=True)


class ReleaseSerializer(serializers.Serializer[Any]):
    """Which files to let in, and what to blank in them first; no rectangle: a lead has looked and they show no text."""

    files = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)
    rectangles = serializers.ListField(child=RectangleField(), max_length=100, default=list)
    whole_device = serializers.BooleanField(default=False)
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Kept in the audit trail."
    )


class BlankSerializer(serializers.Serializer[Any]):
    """What to blank in one image of a case, or in all of them where none is named, and why."""

    sop_instance_uid = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    rectangles = serializers.ListField(child=RectangleField(), min_length=1, max_length=100)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class BlankingSerializer(serializers.Serializer[Any]):
    """The job that blanks, and in how many images."""

    job = serializers.CharField()
    images = serializers.IntegerField()


class ReleasedSerializer(serializers.Serializer[Any]):
    """The job that lets them in, and how many they are."""

    job = serializers.CharField()
    files = serializers.IntegerField()


class RetrySerializer(serializers.Serializer[Any]):
    """Which refused files to import once more."""

    files = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)


class TriedAgainSerializer(serializers.Serializer[Any]):
    """The imports that try them, one for each set of options under which they came, and how many files they are."""

    imports = serializers.ListField(child=serializers.CharField())
    jobs = serializers.ListField(child=serializers.CharField())
    files = serializers.IntegerField()


class DiscardSerializer(serializers.Serializer[Any]):
    """Which files to delete for good, and why."""

    files = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=1000)
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="",
        help_text="Kept in the audit trail, and told beside held images in the import that brought them.",
    )  # fmt: skip


class DiscardedSerializer(serializers.Serializer[Any]):
    """How many were deleted."""

    files = serializers.IntegerField()


class PixelRuleSerializer(serializers.Serializer[Any]):
    """What is blanked in all images of one device and size."""

    id = serializers.IntegerField()
    manufacturer = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    rectangles = serializers.ListField(child=RectangleField())
    made_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class LookUpSerializer(serializers.Serializer[Any]):
    """One pseudonym (of a patient, or a stored study's or image's UID), and why."""

    pseudonym = serializers.RegexField(r"^(P[0-9A-F]{15}|[0-9.]{1,64})$", max_length=64)
    reason = serializers.CharField(min_length=10, max_length=500)


class IdentityTableInSerializer(serializers.Serializer[Any]):
    """Whether the table shall be kept from now on, and why."""

    keeps = serializers.BooleanField()
    reason = serializers.CharField(min_length=10, max_length=500)


class IdentityTableSerializer(serializers.Serializer[Any]):
    """The state of the table: kept or not, possible or not (profile and key), and the caller's right."""

    keeps = serializers.BooleanField()
    deidentifies = serializers.BooleanField()
    has_key = serializers.BooleanField()
    may_reidentify = serializers.BooleanField()


class IdentityExportInSerializer(serializers.Serializer[Any]):
    """Why the whole table is needed."""

    reason = serializers.CharField(min_length=10, max_length=500)


class IdentitySerializer(serializers.Serializer[Any]):
    """What one stored image was called before, beside what it is called here."""

    stored_study_instance_uid = serializers.CharField()
    stored_series_instance_uid = serializers.CharField()
    stored_sop_instance_uid = serializers.CharField()
    patient_id = serializers.CharField(allow_blank=True)
    patient_name = serializers.CharField(allow_blank=True)
    study_instance_uid = serializers.CharField()
    series_instance_uid = serializers.CharField()
    sop_instance_uid = serializers.CharField()
    study_date = serializers.CharField(allow_blank=True)
    accession_number = serializers.CharField(allow_blank=True)


class IdentitiesSerializer(serializers.Serializer[Any]):
    """All images of the pseudonym."""

    results = IdentitySerializer(many=True)
