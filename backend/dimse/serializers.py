"""What the PACS endpoints take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from backend.dimse.models import Authentication, Direction, NodeKind, Retrieval
from backend.dimse.tls import MAX_PEM
from backend.jobs.models import JobState

_UID = r"^[0-9.]{1,64}$"


class NodeFieldsSerializer(serializers.Serializer[Any]):
    """A node as it is entered; `secret` is the password or token and is never told again."""

    name = serializers.CharField(max_length=80)
    host = serializers.CharField(max_length=253, required=False, allow_blank=True)
    port = serializers.IntegerField(min_value=1, max_value=65535, required=False, allow_null=True)
    ae_title = serializers.CharField(max_length=16, required=False, allow_blank=True)
    calling_ae_title = serializers.CharField(max_length=16, required=False, allow_blank=True)
    retrieval = serializers.ChoiceField(choices=Retrieval.choices, required=False)
    may_send = serializers.BooleanField(required=False)
    sends_from = serializers.CharField(max_length=500, required=False, allow_blank=True)
    uses_tls = serializers.BooleanField(required=False)
    tls_name = serializers.CharField(max_length=253, required=False, allow_blank=True)
    tls_authority = serializers.CharField(
        max_length=MAX_PEM, required=False, allow_blank=True,
        help_text="Certificates in PEM: of who issued the node's, or the node's own. Empty: the system's authorities.",
    )  # fmt: skip
    base_url = serializers.CharField(max_length=500, required=False, allow_blank=True)
    authentication = serializers.ChoiceField(choices=Authentication.choices, required=False)
    username = serializers.CharField(max_length=150, required=False, allow_blank=True)
    secret = serializers.CharField(max_length=4000, required=False, write_only=True, trim_whitespace=False)


class NodeInSerializer(NodeFieldsSerializer):
    """A new node."""

    kind = serializers.ChoiceField(choices=NodeKind.choices)


class NodeSerializer(serializers.Serializer[Any]):
    """A node as it is told."""

    id = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=NodeKind.choices)
    host = serializers.CharField()
    port = serializers.IntegerField(allow_null=True)
    ae_title = serializers.CharField()
    calling_ae_title = serializers.CharField()
    retrieval = serializers.ChoiceField(choices=Retrieval.choices)
    may_send = serializers.BooleanField()
    sends_from = serializers.CharField()
    uses_tls = serializers.BooleanField()
    tls_name = serializers.CharField()
    tls_authority = serializers.CharField()
    base_url = serializers.CharField()
    authentication = serializers.ChoiceField(choices=Authentication.choices)
    username = serializers.CharField()
    has_secret = serializers.BooleanField()


class ReceivingSerializer(serializers.Serializer[Any]):
    """How the project receives: a port is null where the receiver is switched off, or has no such port."""

    is_enabled = serializers.BooleanField()
    host = serializers.CharField()
    port = serializers.IntegerField(allow_null=True)
    tls_port = serializers.IntegerField(allow_null=True)
    ae_title = serializers.CharField()


class PacsSerializer(serializers.Serializer[Any]):
    """Nodes and receiving."""

    nodes = NodeSerializer(many=True)
    receiving = ReceivingSerializer()
    deid_profile = serializers.CharField()


class ReceivingTitleSerializer(serializers.Serializer[Any]):
    """The AE title under which senders reach the project."""

    ae_title = serializers.CharField(max_length=16, allow_blank=True)


class NodeAnswerSerializer(serializers.Serializer[Any]):
    """Whether a node answers, how fast, and why not."""

    is_reachable = serializers.BooleanField()
    seconds = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class SearchKeysSerializer(serializers.Serializer[Any]):
    """What studies are looked for; dates are YYYYMMDD."""

    patient_id = serializers.CharField(max_length=64, required=False, allow_blank=True)
    patient_name = serializers.CharField(max_length=64, required=False, allow_blank=True)
    accession_number = serializers.CharField(max_length=16, required=False, allow_blank=True)
    study_description = serializers.CharField(max_length=64, required=False, allow_blank=True)
    modality = serializers.RegexField(r"^[A-Z]{0,16}$", required=False, allow_blank=True)
    date_from = serializers.RegexField(r"^(\d{8})?$", required=False, allow_blank=True)
    date_to = serializers.RegexField(r"^(\d{8})?$", required=False, allow_blank=True)


class FoundStudySerializer(serializers.Serializer[Any]):
    """A study of the node."""

    study_instance_uid = serializers.CharField()
    patient_id = serializers.CharField()
    patient_name = serializers.CharField()
    patient_sex = serializers.CharField()
    study_date = serializers.CharField()
    study_description = serializers.CharField()
    accession_number = serializers.CharField()
    modalities = serializers.ListField(child=serializers.CharField())
    number_of_series = serializers.IntegerField(allow_null=True)
    number_of_instances = serializers.IntegerField(allow_null=True)


class FoundStudiesSerializer(serializers.Serializer[Any]):
    """Studies that match; `has_more`: there are more than these."""

    studies = FoundStudySerializer(many=True)
    has_more = serializers.BooleanField()


class StudyUidSerializer(serializers.Serializer[Any]):
    """Which study's series."""

    study = serializers.RegexField(_UID)


class FoundSeriesSerializer(serializers.Serializer[Any]):
    """A series of the node."""

    series_instance_uid = serializers.CharField()
    modality = serializers.CharField()
    series_number = serializers.CharField()
    series_description = serializers.CharField()
    number_of_instances = serializers.IntegerField(allow_null=True)


class WantedSerializer(serializers.Serializer[Any]):
    """A study to pull: whole, or some of its series."""

    study = serializers.RegexField(_UID)
    series = serializers.ListField(child=serializers.RegexField(_UID), max_length=1000, required=False)
    instances = serializers.IntegerField(min_value=0, required=False, allow_null=True)


class PullSerializer(serializers.Serializer[Any]):
    """What to pull from which node."""

    node = serializers.UUIDField()
    studies = WantedSerializer(many=True, allow_empty=False)


class SendSerializer(serializers.Serializer[Any]):
    """Which readings to send to which node."""

    node = serializers.UUIDField()
    readings = serializers.ListField(child=serializers.UUIDField(), allow_empty=False)


class SentObjectSerializer(serializers.Serializer[Any]):
    """A SEG or SR that was sent; `reason`: why it was not stored."""

    modality = serializers.CharField()
    uid = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of one study (counts of its images) or of one reading (its objects)."""

    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=["waiting", "received", "done", "failed"])
    reason = serializers.CharField(allow_blank=True)
    announced = serializers.IntegerField(allow_null=True, required=False)
    received = serializers.IntegerField(required=False)
    failed = serializers.IntegerField(required=False)
    reading = serializers.CharField(required=False)
    case = serializers.CharField(required=False)
    reader = serializers.CharField(required=False)
    revision = serializers.IntegerField(required=False)
    objects = SentObjectSerializer(many=True, required=False)


class TransferSerializer(serializers.Serializer[Any]):
    """A pull or a send, and how far it is."""

    id = serializers.CharField()
    node = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    state = serializers.ChoiceField(choices=JobState.choices)
    phase = serializers.CharField(allow_blank=True)
    done = serializers.IntegerField()
    total = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    outcomes = OutcomeSerializer(many=True)
    import_run = serializers.CharField(allow_null=True)
    may_resume = serializers.BooleanField()
    created_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class SendableSerializer(serializers.Serializer[Any]):
    """A reading whose objects can be sent, and the nodes that have its present revision."""

    id = serializers.CharField()
    case = serializers.CharField()
    reader = serializers.CharField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    sent_to = serializers.ListField(child=serializers.CharField())
    arrows = serializers.IntegerField(help_text="Those on its images: they stay here, for they measure nothing.")
