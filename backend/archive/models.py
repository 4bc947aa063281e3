"""Archive, Study, Series, Instance: the DICOM information model, as stored after de-identification."""

from __future__ import annotations

import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Upper

from backend.dicom.deid_options import DEFAULT_OPTIONS


def new_archive_key() -> str:
    """A fresh secret (256 bit, hex) under which an archive hashes bytes, UIDs and patients."""
    return secrets.token_hex(32)


class DeidProfile(models.TextChoices):
    """What happens to a file at the door; `none` is for data that is already clean."""

    NONE = "none"
    BASIC = "basic"


def default_deid_options() -> list[str]:
    """What profile basic does where nobody chooses: dates are modified, everything else follows the Basic Profile."""
    return list(DEFAULT_OPTIONS)


class Archive(models.Model):
    """A set of studies with one de-identification profile and one secret key.

    `deid_options`: names of `backend.dicom.deid_options`, meaningful with profile basic; like the profile they never change
    once images are there. `keeps_identities`: pseudonyms can be looked up in an encrypted table (`Identity`).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    deid_profile = models.CharField(max_length=10, choices=DeidProfile, default=DeidProfile.NONE)
    deid_options = models.JSONField(default=default_deid_options)
    keeps_identities = models.BooleanField(default=False)
    key = models.CharField(max_length=64, default=new_archive_key, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)


class Study(models.Model):
    """A DICOM study. `patient_key` is HMAC(archive key, patient id), empty where the file names no patient.

    Columns repeat what searches ask for of the stored header, so after de-identification. Of a name in several component
    groups the alphabetic one is `patient_name`, the others are `patient_name_other` (ideographic=phonetic).
    """

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="studies")
    study_instance_uid = models.CharField(max_length=64)
    patient_key = models.CharField(max_length=64, blank=True, db_index=True)
    patient_id = models.CharField(max_length=64, blank=True)
    patient_name = models.CharField(max_length=200, blank=True)
    patient_name_other = models.CharField(max_length=200, blank=True)
    patient_birth_date = models.CharField(max_length=8, blank=True)
    patient_sex = models.CharField(max_length=16, blank=True)
    patient_age = models.CharField(max_length=4, blank=True)
    study_date = models.CharField(max_length=8, blank=True)
    study_time = models.CharField(max_length=16, blank=True)
    referring_physician_name = models.CharField(max_length=200, blank=True)
    timezone_offset_from_utc = models.CharField(max_length=16, blank=True)
    study_description = models.CharField(max_length=64, blank=True)
    accession_number = models.CharField(max_length=16, blank=True)
    study_id = models.CharField(max_length=16, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["archive", "study_instance_uid"], name="study_uid_per_archive")]
        indexes = [
            models.Index(fields=["archive", "patient_id"], name="study_patient_id"),
            models.Index(fields=["archive", "accession_number"], name="study_accession"),
            # Names are compared without regard to case.
            models.Index("archive", Upper("patient_name"), name="study_patient_name"),
        ]


class Series(models.Model):
    """A DICOM series. `affine` is the 4×4 of index (frame, row, column) to patient mm (LPS), null if not a regular grid.

    Of the items of Request Attributes Sequence the ids are joined and enclosed by backslashes: `\\A\\B\\`.
    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series")
    series_instance_uid = models.CharField(max_length=64, db_index=True)
    modality = models.CharField(max_length=16)
    series_number = models.IntegerField(null=True)
    series_description = models.CharField(max_length=64, blank=True)
    body_part_examined = models.CharField(max_length=16, blank=True)
    laterality = models.CharField(max_length=16, blank=True)
    protocol_name = models.CharField(max_length=64, blank=True)
    manufacturer = models.CharField(max_length=64, blank=True)
    manufacturer_model_name = models.CharField(max_length=64, blank=True)
    frame_of_reference_uid = models.CharField(max_length=64, blank=True)
    performed_procedure_step_start_date = models.CharField(max_length=8, blank=True)
    performed_procedure_step_start_time = models.CharField(max_length=16, blank=True)
    scheduled_procedure_step_ids = models.CharField(max_length=200, blank=True)
    requested_procedure_ids = models.CharField(max_length=200, blank=True)
    affine = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "series_instance_uid"], name="series_uid_per_study")]


class Instance(models.Model):
    """A SOP instance: header as DICOM JSON text, frames as one blob plus byte ranges.

    `frame_ranges` lists [offset, length] in bytes per frame inside the object `frames_key`; behind them lie values too long
    for the header, which names them by BulkDataURI (`backend.dicom.header`). `position` is the
    distance along the slice normal in mm, by which a series is ordered. `dhash` is the 256-bit difference hash (hex).
    `received_digest` and `original_uid_digest` are HMACs under the archive's key: duplicates are found, nobody is named.
    `file_range`: where in the same object the whole DICOM file lies, of what was made here and is served byte for byte (it
    may have no frames at all); null of images, whose files are rebuilt.
    """

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances")
    sop_instance_uid = models.CharField(max_length=64, db_index=True)
    sop_class_uid = models.CharField(max_length=64)
    instance_number = models.IntegerField(null=True)
    position = models.FloatField(null=True)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    number_of_frames = models.PositiveIntegerField(default=1)
    samples_per_pixel = models.PositiveSmallIntegerField(default=1)
    bits_allocated = models.PositiveSmallIntegerField()
    photometric_interpretation = models.CharField(max_length=16)
    transfer_syntax_uid = models.CharField(max_length=64)
    pixel_spacing = models.JSONField(null=True)
    received_digest = models.CharField(max_length=64)
    original_uid_digest = models.CharField(max_length=64)
    pixel_digest = models.CharField(max_length=64)
    dhash = models.CharField(max_length=64, blank=True)
    dicom_json = models.TextField()
    frames_key = models.CharField(max_length=200)
    frame_ranges = models.JSONField()
    file_range = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "sop_instance_uid"], name="sop_uid_per_series"),
        ]
        indexes = [models.Index(fields=["received_digest"]), models.Index(fields=["original_uid_digest"])]


class PixelRule(models.Model):
    """What to blank in every image of one device and size of an archive: [column, row, width, height] in pixels.

    No rectangle: a lead looked, and images of this device and size show no text.
    """

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="pixel_rules")
    manufacturer = models.CharField(max_length=64, blank=True)
    model = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    rectangles = models.JSONField(default=list)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["manufacturer", "model", "rows", "columns"]
        constraints = [
            models.UniqueConstraint(
                fields=["archive", "manufacturer", "model", "rows", "columns"], name="one_pixel_rule_per_device_and_size"
            )
        ]


class QuarantineKind(models.TextChoices):
    """Why a file is kept aside: a lead has to look at its pixels, or it was refused as damaged or hostile."""

    HELD = "held"
    REFUSED = "refused"


class QuarantineState(models.TextChoices):
    """Life of a quarantined file; its bytes exist in the first two states only.

    FAILED stands in rows of earlier versions, which deleted what could not be let in; now that waits again.
    """

    WAITING = "waiting"
    DECIDED = "decided"
    RELEASED = "released"
    DISCARDED = "discarded"
    EXPIRED = "expired"
    FAILED = "failed"


class QuarantinedFile(models.Model):
    """A received file that is neither stored nor served: encrypted, for leads alone, gone when its time is over.

    `project_id` is the project through which it came, if through one. `why` is a word of `burnt_in.REASONS`, empty of
    refused files and of those that could not be let in: `reason` says why. `facts`: what is known of it
    (`backend.dicom.file_facts`), of a held one also its device and the rectangles that are proposed. `rectangles`: what the
    lead who looked at it wants blanked.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="quarantined")
    project_id = models.UUIDField(null=True, db_index=True)
    kind = models.CharField(max_length=10, choices=QuarantineKind)
    state = models.CharField(max_length=10, choices=QuarantineState, default=QuarantineState.WAITING)
    why = models.CharField(max_length=20, blank=True)
    reason = models.TextField()
    received_digest = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    facts = models.JSONField(default=dict)
    rectangles = models.JSONField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["archive", "received_digest"], name="quarantine_digest"),
            models.Index(fields=["state", "expires_at"], name="quarantine_expiry"),
        ]


class Identity(models.Model):
    """Who an instance was before de-identification, encrypted under a key that is not in the database.

    `pseudonym` is what stands for the patient, `study_instance_uid` and `sop_instance_uid` what is stored; `sealed` holds
    patient id and name, the three UIDs, study date and accession number.
    """

    archive = models.ForeignKey(Archive, on_delete=models.CASCADE, related_name="identities")
    instance = models.OneToOneField(Instance, on_delete=models.CASCADE, related_name="identity")
    pseudonym = models.CharField(max_length=64, blank=True)
    sealed = models.BinaryField()

    class Meta:
        indexes = [models.Index(fields=["archive", "pseudonym"], name="identity_pseudonym")]
