"""Remote nodes of a project, the AE title under which it receives, and what goes to and fro."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from backend.exchange.models import ImportRun
from backend.jobs.models import Job
from backend.projects.models import Project


class NodeKind(models.TextChoices):
    """How a remote node is spoken to."""

    DIMSE = "dimse"
    DICOMWEB = "dicomweb"


class Retrieval(models.TextChoices):
    """How studies come from a DIMSE node: it stores them to our receiver, or hands them over on our own association."""

    MOVE = "move"
    GET = "get"


class Authentication(models.TextChoices):
    """What a DICOMweb node asks for."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"


class RemoteNode(models.Model):
    """A PACS or modality that a project may talk to.

    DIMSE: `host`, `port` (null: it only sends), `ae_title`, and `calling_ae_title`, ours. `may_send`: it may store to the
    project's own AE title, from `host` or one of the addresses and networks in `sends_from` (separated by commas).
    `uses_tls`: nothing goes to or comes from it but by TLS. Its certificate is for `tls_name` (empty: `host`) and was issued
    by one of `tls_authority` (PEM; or it is one of them; empty: one of the system's authorities).
    DICOMweb: `base_url`, and `secret`: password or token, sealed by `backend.dimse.sealing`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="remote_nodes")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=NodeKind)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(null=True)
    ae_title = models.CharField(max_length=16, blank=True)
    calling_ae_title = models.CharField(max_length=16, blank=True)
    retrieval = models.CharField(max_length=4, choices=Retrieval, default=Retrieval.GET)
    may_send = models.BooleanField(default=False)
    sends_from = models.CharField(max_length=500, blank=True)
    uses_tls = models.BooleanField(default=False)
    tls_name = models.CharField(max_length=253, blank=True)
    tls_authority = models.TextField(blank=True)
    base_url = models.CharField(max_length=500, blank=True)
    authentication = models.CharField(max_length=6, choices=Authentication, default=Authentication.NONE)
    username = models.CharField(max_length=150, blank=True)
    secret = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="remote_node_name")]


class ReceivingTitle(models.Model):
    """The called AE title that leads what our receiver is sent to a project."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="receiving_title")
    ae_title = models.CharField(max_length=16, unique=True)


class Direction(models.TextChoices):
    """Which way a transfer goes."""

    PULL = "pull"
    SEND = "send"


class Transfer(models.Model):
    """Studies pulled from a node, or results sent to one; its job runs it.

    `wanted` is sealed JSON, emptied once all is done: for a pull the studies and series (UIDs of the remote PACS are patient
    data), for a send the readings. `outcomes`: one entry for each study, or each object sent, without any UID of the PACS.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="transfers")
    node = models.ForeignKey(RemoteNode, null=True, on_delete=models.SET_NULL, related_name="transfers")
    node_name = models.CharField(max_length=80)
    direction = models.CharField(max_length=4, choices=Direction)
    wanted = models.TextField(blank=True)
    outcomes = models.JSONField(default=list)
    job = models.ForeignKey(Job, null=True, on_delete=models.SET_NULL, related_name="+")
    import_run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
