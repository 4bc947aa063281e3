"""What the project endpoints take and give; the outward ones only describe, selectors build the documents."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.archive.models import DeidProfile
from backend.dicom.deid_options import OPTION_NAMES
from backend.projects.models import Role, Unit
from backend.projects.services import MARKS

SCOPES = ("lesion", "image")
_ALLOWED_HELP = (
    "A new version's display threshold is raised from the project's until it shows at most so many false positives per "
    "image of VALIDATION; null: it is the project's."
)


class AttributeNumberInSerializer(serializers.Serializer[Any]):
    """That an attribute is to be a number: its unit, and the limits where it has any."""

    unit = serializers.CharField(max_length=16, allow_blank=True, default="")
    least = serializers.FloatField(allow_null=True, default=None)
    most = serializers.FloatField(allow_null=True, default=None)


class AttributeInSerializer(serializers.Serializer[Any]):
    """A property of a lesion: one of several values, or a number. Without a `required` one nothing is submitted."""

    name = serializers.CharField(max_length=60)
    values = serializers.ListField(child=serializers.CharField(max_length=60), max_length=20, default=list)
    number = AttributeNumberInSerializer(allow_null=True, default=None)
    required = serializers.BooleanField(default=False)  # type: ignore[assignment]  # a field of that name, no option


class AttributeNumberSerializer(serializers.Serializer[Any]):
    """That an attribute is a number: its unit and its limits."""

    unit = serializers.CharField(allow_blank=True)
    least = serializers.FloatField(allow_null=True)
    most = serializers.FloatField(allow_null=True)


class AttributeSerializer(serializers.Serializer[Any]):
    """A property of a lesion with the values it may take, or the number that it is."""

    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField())
    number = AttributeNumberSerializer(allow_null=True)
    required = serializers.BooleanField()  # type: ignore[assignment]


class FindingTypeInSerializer(serializers.Serializer[Any]):
    """A new entry of the vocabulary."""

    scope = serializers.ChoiceField(choices=SCOPES, default="lesion")
    name = serializers.CharField(max_length=80)
    colour = serializers.CharField(max_length=7, required=False, allow_blank=True)
    key = serializers.RegexField(r"^[0-9]?$", required=False, allow_blank=True)
    allowed_marks = serializers.ListField(child=serializers.ChoiceField(choices=MARKS), required=False)
    code_scheme = serializers.CharField(max_length=16, required=False, allow_blank=True)
    code_value = serializers.CharField(max_length=32, required=False, allow_blank=True)
    code_meaning = serializers.CharField(max_length=120, required=False, allow_blank=True)
    attributes = AttributeInSerializer(many=True, required=False)
    position = serializers.IntegerField(min_value=0, max_value=999, required=False)


class FindingTypeChangeSerializer(serializers.Serializer[Any]):
    """A change of an entry; its scope stays."""

    name = serializers.CharField(max_length=80, required=False)
    colour = serializers.CharField(max_length=7, required=False)
    key = serializers.RegexField(r"^[0-9]?$", required=False, allow_blank=True)
    allowed_marks = serializers.ListField(child=serializers.ChoiceField(choices=MARKS), required=False)
    code_scheme = serializers.CharField(max_length=16, required=False, allow_blank=True)
    code_value = serializers.CharField(max_length=32, required=False, allow_blank=True)
    code_meaning = serializers.CharField(max_length=120, required=False, allow_blank=True)
    attributes = AttributeInSerializer(many=True, required=False)
    position = serializers.IntegerField(min_value=0, max_value=999, required=False)
    retired = serializers.BooleanField(required=False)


class FindingTypeSerializer(serializers.Serializer[Any]):
    """An entry of the vocabulary."""

    id = serializers.IntegerField()
    scope = serializers.ChoiceField(choices=SCOPES)
    name = serializers.CharField()
    colour = serializers.CharField()
    key = serializers.CharField(allow_blank=True)
    allowed_marks = serializers.ListField(child=serializers.ChoiceField(choices=MARKS))
    code_scheme = serializers.CharField(allow_blank=True)
    code_value = serializers.CharField(allow_blank=True)
    code_meaning = serializers.CharField(allow_blank=True)
    attributes = AttributeSerializer(many=True)
    position = serializers.IntegerField()
    since_version = serializers.IntegerField()
    retired_in_version = serializers.IntegerField(allow_null=True)


class MemberSerializer(serializers.Serializer[Any]):
    """A member and the role."""

    username = serializers.CharField(max_length=150)
    full_name = serializers.CharField(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices)


class ProjectInSerializer(serializers.Serializer[Any]):
    """A new project."""

    name = serializers.CharField(max_length=120)
    slug = serializers.SlugField(max_length=40, required=False)
    question = serializers.CharField(max_length=300, required=False, allow_blank=True)
    modality = serializers.RegexField(r"^[A-Z0-9_ ]{1,16}$", default="US")
    unit = serializers.ChoiceField(choices=Unit.choices, default=Unit.IMAGE)
    archive = serializers.SlugField(required=False, allow_null=True, help_text="An archive that is there; else a new one.")
    deid_profile = serializers.ChoiceField(choices=DeidProfile.choices, default=DeidProfile.NONE)
    deid_options = serializers.ListField(child=serializers.ChoiceField(choices=OPTION_NAMES), required=False)
    keeps_identities = serializers.BooleanField(default=False)
    validation_share = serializers.FloatField(min_value=0, max_value=0.9, default=0.15)
    holdout_share = serializers.FloatField(min_value=0, max_value=0.9, default=0.15)
    blinded_share = serializers.FloatField(min_value=0, max_value=1, default=0.1)
    readings_wanted = serializers.IntegerField(min_value=1, max_value=20, default=1)
    laterality_matters = serializers.BooleanField(default=False)
    first_look = serializers.BooleanField(default=False)
    accept_all = serializers.BooleanField(default=False)
    false_positives_allowed = serializers.FloatField(
        min_value=0.01, max_value=50, required=False, allow_null=True, help_text=_ALLOWED_HELP
    )
    finding_types = FindingTypeInSerializer(many=True, required=False)
    members = MemberSerializer(many=True, required=False)


class ProjectChangeSerializer(serializers.Serializer[Any]):
    """What of a project may change."""

    name = serializers.CharField(max_length=120, required=False)
    question = serializers.CharField(max_length=300, required=False, allow_blank=True)
    blinded_share = serializers.FloatField(min_value=0, max_value=1, required=False)
    readings_wanted = serializers.IntegerField(min_value=1, max_value=20, required=False)
    laterality_matters = serializers.BooleanField(required=False)
    first_look = serializers.BooleanField(required=False)
    accept_all = serializers.BooleanField(required=False)
    display_threshold = serializers.FloatField(min_value=0, max_value=1, required=False)
    false_positives_allowed = serializers.FloatField(
        min_value=0.01, max_value=50, required=False, allow_null=True, help_text=_ALLOWED_HELP
    )
    lease_minutes = serializers.IntegerField(min_value=1, max_value=24 * 60, required=False)


class ArchiveSerializer(serializers.Serializer[Any]):
    """The archive a project reads from."""

    slug = serializers.CharField()
    name = serializers.CharField()
    deid_profile = serializers.ChoiceField(choices=DeidProfile.choices)
    deid_options = serializers.ListField(child=serializers.ChoiceField(choices=OPTION_NAMES))
    keeps_identities = serializers.BooleanField()


class CaseCountsSerializer(serializers.Serializer[Any]):
    """How many cases there are, how many still want a reading, how many have theirs."""

    cases = serializers.IntegerField()
    open = serializers.IntegerField()
    submitted = serializers.IntegerField()


class ProjectSerializer(serializers.Serializer[Any]):
    """A project as one of its members sees it."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    question = serializers.CharField(allow_blank=True)
    modality = serializers.CharField()
    unit = serializers.ChoiceField(choices=Unit.choices)
    synthetic = serializers.BooleanField()
    archive = ArchiveSerializer()
    vocabulary_version = serializers.IntegerField()
    validation_share = serializers.FloatField()
    holdout_share = serializers.FloatField()
    blinded_share = serializers.FloatField()
    readings_wanted = serializers.IntegerField()
    laterality_matters = serializers.BooleanField()
    first_look = serializers.BooleanField()
    accept_all = serializers.BooleanField()
    display_threshold = serializers.FloatField()
    false_positives_allowed = serializers.FloatField(allow_null=True)
    role = serializers.ChoiceField(choices=Role.choices)
    may_reidentify = serializers.BooleanField()
    finding_types = FindingTypeSerializer(many=True)
    counts = CaseCountsSerializer()
