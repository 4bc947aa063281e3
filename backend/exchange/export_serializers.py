"""What the endpoints of exports and of waiting readings take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.dicom.refusal import Refused
from backend.exchange.format_registry import write_costs, written_format
from backend.exchange.models import ExportState
from backend.exchange.serializers import FormatOptionSerializer
from backend.projects.models import Split
from backend.readings.models import ReaderKind
from backend.review.models import ReviewOutcome


class ExportFormatSerializer(serializers.Serializer[Any]):
    """A format that readings go out in. `is_read`: it can be verified; marks of no kind in `kinds` become another."""

    name = serializers.CharField()
    title = serializers.CharField()
    is_read = serializers.BooleanField()
    kinds = serializers.ListField(child=serializers.CharField())
    others_become = serializers.CharField()
    options = FormatOptionSerializer(many=True)


class ExportFilterSerializer(serializers.Serializer[Any]):
    """What an export is limited to; what is not named is not limited. Models' readings only where asked for.

    So are `superseded` ones, whose place a reviewer's edit has taken.
    """

    readers = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=200, required=False)
    finding_types = serializers.ListField(child=serializers.IntegerField(min_value=1), max_length=200, required=False)
    reader_kinds = serializers.MultipleChoiceField(choices=ReaderKind.choices, required=False)
    splits = serializers.MultipleChoiceField(choices=Split.choices, required=False)
    reviews = serializers.MultipleChoiceField(choices=ReviewOutcome.choices, required=False)
    since = serializers.DateField(required=False, allow_null=True, help_text="First day of submission.")
    until = serializers.DateField(required=False, allow_null=True, help_text="Last day of submission.")
    models = serializers.BooleanField(required=False, default=False)
    superseded = serializers.BooleanField(required=False, default=False)

    def to_internal_value(self, data: Any) -> Any:
        """Choices as sorted lists: they are stored as JSON."""
        given = super().to_internal_value(data)
        for name in ("reader_kinds", "splits", "reviews"):
            if name in given:
                given[name] = sorted(given[name])
        return given


class ExportOrderSerializer(serializers.Serializer[Any]):
    """An export to make. `pictures`: images go alongside, else they are referred to. `export_formats` tells the options."""

    format = serializers.CharField(max_length=40)
    filter = ExportFilterSerializer(required=False)
    options = serializers.DictField(child=serializers.CharField(max_length=200), required=False)
    pictures = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The format must be there and have the options."""
        for wrong, check in (
            ("format", lambda: written_format(attrs["format"])),
            ("options", lambda: write_costs(attrs["format"], attrs.get("options", {}))),
        ):
            try:
                check()
            except Refused as refusal:
                raise serializers.ValidationError({wrong: [str(refusal)]}) from refusal
        return attrs


class ExportCountsSerializer(serializers.Serializer[Any]):
    """How much an export holds."""

    cases = serializers.IntegerField(required=False)
    readings = serializers.IntegerField(required=False)
    readers = serializers.IntegerField(required=False)
    lesions = serializers.IntegerField(required=False)
    files = serializers.IntegerField(required=False)


class LossSerializer(serializers.Serializer[Any]):
    """Something that the format cannot carry: what, of how many; `kind` becomes `becomes`; `text` of a format's own note."""

    what = serializers.CharField()
    count = serializers.IntegerField()
    kind = serializers.CharField(required=False)
    becomes = serializers.CharField(required=False)
    text = serializers.CharField(required=False)


class ExportReaderSerializer(serializers.Serializer[Any]):
    """A reader who can be chosen, with how many readings could go out."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ReaderKind.choices)
    readings = serializers.IntegerField()


class ExportPreviewSerializer(serializers.Serializer[Any]):
    """What an export would hold and lose, and the readers there are without any limit."""

    readers = ExportReaderSerializer(many=True)

    counts = ExportCountsSerializer()
    losses = LossSerializer(many=True)


class ExportProgressSerializer(serializers.Serializer[Any]):
    """Cases done, of all."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class VerificationSerializer(serializers.Serializer[Any]):
    """The round-trip proof of an export."""

    ok = serializers.BooleanField()
    format = serializers.CharField()
    product_version = serializers.CharField(allow_blank=True)
    verified_at = serializers.DateTimeField()
    readings = serializers.IntegerField()
    lesions = serializers.IntegerField()
    voxels = serializers.IntegerField()
    furthest_pixels = serializers.FloatField()
    tolerance_pixels = serializers.FloatField()
    compared = serializers.ListField(child=serializers.CharField())
    changed_since = serializers.IntegerField()
    n_differences = serializers.IntegerField()
    differences = serializers.ListField(child=serializers.CharField())
    lost = serializers.ListField(child=serializers.CharField())


class LeftOutSerializer(serializers.Serializer[Any]):
    """Readings that were not published: not to be seen by who made the export, models', changed since."""

    hidden = serializers.IntegerField(required=False)
    models = serializers.IntegerField(required=False)
    changed = serializers.IntegerField(required=False)


class PublicationSerializer(serializers.Serializer[Any]):
    """What of an export is in the archive's DICOMweb: `objects`, of which `current` are shown, the others outdated.

    Whether anything is, every lead learns, who may withdraw it; how much, who made the export.
    """

    is_published = serializers.BooleanField()
    is_complete = serializers.BooleanField(help_text="The last act was to publish, and it came to its end.")
    objects = serializers.IntegerField()
    current = serializers.IntegerField()
    left_out = LeftOutSerializer()
    error = serializers.CharField(allow_blank=True)
    doing = serializers.ChoiceField(choices=["publish", "withdraw"], allow_null=True)
    progress = ExportProgressSerializer()


class ExportRunSerializer(serializers.Serializer[Any]):
    """One export; `own`: the caller made it, so he may fetch it."""

    id = serializers.CharField()
    format = serializers.CharField()
    options = serializers.DictField(child=serializers.CharField())
    filter = ExportFilterSerializer()
    pictures = serializers.BooleanField()
    state = serializers.ChoiceField(choices=ExportState.choices)
    message = serializers.CharField()
    created_by = serializers.CharField()
    own = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    counts = ExportCountsSerializer()
    losses = LossSerializer(many=True)
    progress = ExportProgressSerializer()
    verification = VerificationSerializer(allow_null=True)
    verifying = ExportProgressSerializer(allow_null=True)
    publication = PublicationSerializer(allow_null=True)


class WaitingReadingSerializer(serializers.Serializer[Any]):
    """A reading that waits for its images; `names` are the first of those it speaks of.

    `reason`: what else it waits for, or why it could not be used once they were here; empty of most.
    """

    id = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # a field of that name, no option
    format = serializers.CharField()
    reader = serializers.CharField()
    lesions = serializers.IntegerField()
    images = serializers.IntegerField()
    names = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class WaitingReadingsSerializer(serializers.Serializer[Any]):
    """Readings that wait."""

    total = serializers.IntegerField()
    results = WaitingReadingSerializer(many=True)
