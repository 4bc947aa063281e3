"""What the import endpoints take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.archive.models import DeidProfile
from backend.dicom.deid_options import OPTION_NAMES
from backend.dicom.refusal import Refused
from backend.exchange.format_registry import check_read_options
from backend.exchange.models import ImportState, ItemState
from backend.projects.models import Split


class OfferedFileSerializer(serializers.Serializer[Any]):
    """A file that will be sent."""

    name = serializers.CharField(max_length=1000)
    size = serializers.IntegerField(min_value=0)


class ImportOptionsSerializer(serializers.Serializer[Any]):
    """What the files are and whose labels come along; `backend.exchange.import_options` tells more."""

    deid_profile = serializers.ChoiceField(choices=DeidProfile.choices, required=False)
    deid_options = serializers.ListField(child=serializers.ChoiceField(choices=OPTION_NAMES), required=False)
    masks_prefix = serializers.CharField(max_length=500, required=False, allow_blank=True)
    labels_file = serializers.CharField(max_length=500, required=False, allow_blank=True)
    boxes_file = serializers.CharField(max_length=500, required=False, allow_blank=True)
    columns = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    box_columns = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    box_size = serializers.ListField(child=serializers.FloatField(min_value=1), max_length=2, required=False)
    normal = serializers.ListField(child=serializers.CharField(max_length=80), max_length=20, required=False)
    types = serializers.DictField(child=serializers.CharField(max_length=80), required=False)
    mask_type = serializers.CharField(max_length=80, required=False)
    findings_scope = serializers.ChoiceField(choices=["lesion", "image"], required=False)
    imported_reader = serializers.CharField(max_length=150, required=False)
    context_file = serializers.CharField(max_length=500, required=False, allow_blank=True)
    context_columns = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    context_is_clean = serializers.BooleanField(
        required=False, help_text="The caller's word that the free texts name nobody; profile basic asks for it."
    )
    readings_format = serializers.CharField(
        max_length=40, required=False, allow_blank=True,
        help_text="Format of readings among the files; empty: whichever knows them; none: they are not looked for.",
    )  # fmt: skip
    readings_options = serializers.DictField(
        child=serializers.CharField(max_length=2000), required=False,
        help_text="Options of that format, by name; `import_formats` tells which there are.",
    )  # fmt: skip
    volumes = serializers.ChoiceField(
        choices=["images", "masks"], required=False, allow_blank=True,
        help_text="What volumes (NIfTI, NRRD, MetaImage) are where no folder says it; empty: told by their names.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The format must be there and have the options."""
        name, given = attrs.get("readings_format", ""), attrs.get("readings_options", {})
        if name or given:
            try:
                check_read_options(name, given)
            except Refused as refusal:
                raise serializers.ValidationError({"readings_options": [str(refusal)]}) from refusal
        return attrs


class FormatOptionSerializer(serializers.Serializer[Any]):
    """An option of reading or of writing a format.

    `kind`: `choice` (one of `choices`), `share` (above 0, up to 1), `labels` (`1:Nodule,2:Mass`) or `text`. `words` names
    its words in the languages of the page; `help` is in English. `default`: what is done where it is not set.
    """

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["choice", "share", "labels", "text"])
    choices = serializers.ListField(child=serializers.CharField())
    default = serializers.CharField(allow_blank=True)
    words = serializers.CharField()
    help = serializers.CharField()


class ImportFormatSerializer(serializers.Serializer[Any]):
    """A format that readings of other programs come in, and what may be set."""

    name = serializers.CharField()
    title = serializers.CharField()
    options = FormatOptionSerializer(many=True)


class ImportRunInSerializer(serializers.Serializer[Any]):
    """A new import."""

    files = OfferedFileSerializer(many=True, allow_empty=False)
    options = ImportOptionsSerializer(required=False)


class ItemCountsSerializer(serializers.Serializer[Any]):
    """Files by state."""

    total = serializers.IntegerField()
    uploading = serializers.IntegerField()
    waiting = serializers.IntegerField()
    imported = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    embargoed = serializers.IntegerField()
    refused = serializers.IntegerField()
    held = serializers.IntegerField()


class ImportProgressSerializer(serializers.Serializer[Any]):
    """Files done, of all."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class DeidentificationSerializer(serializers.Serializer[Any]):
    """Under which rules files were taken in; empty for imports older than the record."""

    profile = serializers.ChoiceField(choices=DeidProfile.choices, required=False)
    options = serializers.ListField(child=serializers.ChoiceField(choices=OPTION_NAMES), required=False)
    version = serializers.IntegerField(required=False)


class ImportRunSerializer(serializers.Serializer[Any]):
    """One import."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=ImportState.choices)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField()
    origin = serializers.CharField(help_text="What brought the files where no person sent them; else empty.")
    options = ImportOptionsSerializer()
    deidentification = DeidentificationSerializer()
    message = serializers.CharField()
    counts = ItemCountsSerializer()
    progress = ImportProgressSerializer()
    job = serializers.CharField(allow_null=True)


class StartImportSerializer(serializers.Serializer[Any]):
    """`skip_unfinished`: files that are not complete are refused instead of waited for."""

    skip_unfinished = serializers.BooleanField(required=False, default=False)


class ReceivedSerializer(serializers.Serializer[Any]):
    """Bytes of a file that the server holds."""

    received = serializers.IntegerField()


class ItemCaseSerializer(serializers.Serializer[Any]):
    """The case that a file became."""

    id = serializers.CharField()
    name = serializers.CharField()
    split = serializers.ChoiceField(choices=Split.choices)


class FileFactsSerializer(serializers.Serializer[Any]):
    """What a file that is not stored is, as far as its header was read; empty or 0 what is not known.

    Of words only the standard's own: a file may hold a name in any other.
    """

    format = serializers.CharField(allow_blank=True, help_text="dicom, png, jpeg, nifti, nrrd or metaimage.")
    modality = serializers.CharField(allow_blank=True)
    sop_class_uid = serializers.CharField(allow_blank=True)
    sop_class = serializers.CharField(allow_blank=True)
    transfer_syntax_uid = serializers.CharField(allow_blank=True)
    transfer_syntax = serializers.CharField(allow_blank=True)
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    frames = serializers.IntegerField()


class ImportItemSerializer(serializers.Serializer[Any]):
    """What became of one file."""

    id = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    received = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ItemState.choices)
    modality = serializers.CharField()
    reason = serializers.CharField()
    facts = FileFactsSerializer()
    case = ItemCaseSerializer(allow_null=True)


class ImportItemsSerializer(serializers.Serializer[Any]):
    """A page of files, those that need eyes first."""

    total = serializers.IntegerField()
    results = ImportItemSerializer(many=True)


class EmbargoedCaseSerializer(serializers.Serializer[Any]):
    """A case that is used for nothing, and why."""

    case = serializers.CharField()
    name = serializers.CharField()
    reason = serializers.CharField()


class SplitCountsSerializer(serializers.Serializer[Any]):
    """Cases by split."""

    POOL = serializers.IntegerField()
    VALIDATION = serializers.IntegerField()
    HOLDOUT = serializers.IntegerField()
    EMBARGOED = serializers.IntegerField()
    embargoed = EmbargoedCaseSerializer(many=True)
