"""Inspection: what was seen inside a model version while it read one image."""

from __future__ import annotations

from django.db import models

from backend.jobs.models import Job
from backend.projects.models import Case
from backend.registry.models import ModelVersion


class Inspection(models.Model):
    """A version that read one image of a case, kept so that it is computed once; only the newest used ones are.

    `frame` counts from 1 in the reading order of the case. `region` is empty, or the SHA-256 of a person's lesion whose
    saliency was asked for; the lesion itself stays with its reading. `document` says what `pictures` (gzip) holds and
    where; the pictures lie in the row so that they go with the version and the case, whoever deletes them.
    """

    model_version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+")
    frame = models.PositiveIntegerField()
    region = models.CharField(max_length=64, blank=True)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    document = models.JSONField(default=dict)
    pictures = models.BinaryField(null=True)
    n_bytes = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model_version", "case", "frame", "region"], name="inspected_once"),
        ]
