"""What the endpoints of watched sources take and give."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.exchange.models import WatchedKind, WatchedState
from backend.exchange.serializers import ImportOptionsSerializer


class CredentialsSerializer(serializers.Serializer[Any]):
    """An access key of an object store; kept encrypted, told to nobody."""

    access_key_id = serializers.CharField(max_length=200)
    secret_access_key = serializers.CharField(max_length=200)


class WatchedSourceInSerializer(serializers.Serializer[Any]):
    """A place to follow. `location`: a folder's path, or "bucket/prefix" of a bucket; `endpoint` is empty for AWS."""

    kind = serializers.ChoiceField(choices=WatchedKind.choices)
    location = serializers.CharField(max_length=500)
    region = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    endpoint = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    credentials = CredentialsSerializer(required=False, allow_null=True, default=None)
    options = ImportOptionsSerializer(required=False)
    delete_after = serializers.BooleanField(required=False, default=False)


class WatchedSourceChangeSerializer(serializers.Serializer[Any]):
    """Pause or go on; what happens to originals."""

    is_enabled = serializers.BooleanField(required=False)
    delete_after = serializers.BooleanField(required=False)


class WatchedCountsSerializer(serializers.Serializer[Any]):
    """Files by state."""

    growing = serializers.IntegerField()
    waiting = serializers.IntegerField()
    taken = serializers.IntegerField()
    imported = serializers.IntegerField()
    refused = serializers.IntegerField()
    vanished = serializers.IntegerField()


class WatchedSourceSerializer(serializers.Serializer[Any]):
    """A place that is followed; `error`: why the last look failed."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=WatchedKind.choices)
    location = serializers.CharField()
    region = serializers.CharField()
    endpoint = serializers.CharField()
    options = ImportOptionsSerializer()
    delete_after = serializers.BooleanField()
    is_enabled = serializers.BooleanField()
    error = serializers.CharField()
    looked_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    counts = WatchedCountsSerializer()


class WatchedSourcesSerializer(serializers.Serializer[Any]):
    """What is followed; `roots` and `endpoints`: where the operator allows it; `seconds` between two looks."""

    roots = serializers.ListField(child=serializers.CharField())
    endpoints = serializers.ListField(child=serializers.CharField())
    seconds = serializers.FloatField()
    results = WatchedSourceSerializer(many=True)


class WatchedFileSerializer(serializers.Serializer[Any]):
    """A file that was seen, and what became of it."""

    name = serializers.CharField()
    size = serializers.IntegerField()
    state = serializers.ChoiceField(choices=WatchedState.choices)
    reason = serializers.CharField()
    seen_at = serializers.DateTimeField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`import` is a word of Python's."""
        return {**super().get_fields(), "import": serializers.UUIDField(allow_null=True)}


class WatchedFilesSerializer(serializers.Serializer[Any]):
    """A page of files, those that need eyes first."""

    total = serializers.IntegerField()
    results = WatchedFileSerializer(many=True)


class RetriedSerializer(serializers.Serializer[Any]):
    """How many files will be imported once more."""

    files = serializers.IntegerField()
