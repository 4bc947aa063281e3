"""What the import endpoints take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.archive.models import DeidProfile
from backend.exchange.models import ImportState, ItemState
from backend.projects.models import Split


class OfferedFileSerializer(serializers.Serializer[Any]):
    """A file that will be sent."""

    name = serializers.CharField(max_length=1000)
    size = serializers.IntegerField(min_value=0)


class ImportOptionsSerializer(serializers.Serializer[Any]):
    """What the files are and whose labels come along; `backend.exchange.import_options` tells more."""

    deid_profile = serializers.ChoiceField(choices=DeidProfile.choices, required=False)
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
    readings_options = serializers.DictField(child=serializers.CharField(max_length=200), required=False)


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


class ImportProgressSerializer(serializers.Serializer[Any]):
    """Files done, of all."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()


class ImportRunSerializer(serializers.Serializer[Any]):
    """One import."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=ImportState.choices)
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField()
    origin = serializers.CharField(help_text="What brought the files where no person sent them.")
    options = ImportOptionsSerializer()
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


class ImportItemSerializer(serializers.Serializer[Any]):
    """What became of one file."""

    id = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField()
    received = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ItemState.choices)
    modality = serializers.CharField()
    reason = serializers.CharField()
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
