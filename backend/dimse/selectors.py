"""Reads nodes, transfers, and the readings whose objects may be sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet

from backend.accounts.models import User
from backend.dimse.models import Direction, ReceivingTitle, RemoteNode, Transfer
from backend.exchange.export_selection import ExportFilter, exported_readings
from backend.exchange.marked_readings import MEASURED_KINDS
from backend.jobs.services import FINISHED
from backend.projects.models import Project
from backend.readings.models import ReaderKind, Reading

NEWEST: Final = 20


def receiving_title(project: Project) -> str:
    """The AE title under which the project receives; empty where it has none."""
    return ReceivingTitle.objects.filter(project=project).values_list("ae_title", flat=True).first() or ""


def node_document(node: RemoteNode) -> dict[str, Any]:
    """A node as the API tells it: whether there is a secret, never which."""
    return {
        "id": str(node.pk),
        "name": node.name,
        "kind": node.kind,
        "host": node.host,
        "port": node.port,
        "ae_title": node.ae_title,
        "calling_ae_title": node.calling_ae_title,
        "retrieval": node.retrieval,
        "may_send": node.may_send,
        "sends_from": node.sends_from,
        "uses_tls": node.uses_tls,
        "tls_name": node.tls_name,
        "tls_authority": node.tls_authority,
        "base_url": node.base_url,
        "authentication": node.authentication,
        "username": node.username,
        "has_secret": bool(node.secret),
    }


def pacs_document(project: Project) -> dict[str, Any]:
    """The nodes of a project, and how it receives."""
    return {
        "nodes": [node_document(node) for node in RemoteNode.objects.filter(project=project)],
        "receiving": {
            "is_enabled": bool(settings.DICOM_PORT or settings.DICOM_TLS_PORT),
            "host": settings.DICOM_HOST,
            "port": settings.DICOM_PORT or None,
            "tls_port": settings.DICOM_TLS_PORT or None,
            "ae_title": receiving_title(project),
        },
        "deid_profile": project.archive.deid_profile,
    }


def transfers_of(project: Project) -> QuerySet[Transfer]:
    """A project's transfers, the newest first."""
    return Transfer.objects.filter(project=project).select_related("job", "created_by")


def may_go_on(transfer: Transfer) -> bool:
    """Whether a transfer has ended with something not done that it still knows of."""
    ended = transfer.job is None or transfer.job.state in FINISHED
    return ended and bool(transfer.wanted) and any(one["state"] != "done" for one in transfer.outcomes)


def transfer_documents(project: Project, transfers: Iterable[Transfer], by: User) -> list[dict[str, Any]]:
    """Transfers as the API tells them: how far, and what became of each study or reading.

    Whose reading was sent, and as what (there is a SEG where there are lesions), is kept from whoever may not see it yet.
    """
    found = list(transfers)
    sent = {one["reading"] for transfer in found for one in transfer.outcomes if "reading" in one}
    visible = (
        {str(pk) for pk in sendable_readings(project, by).filter(pk__in=sent).values_list("pk", flat=True)}
        if sent
        else set()
    )
    return [_transfer_document(transfer, visible) for transfer in found]


def _told(outcome: dict[str, Any], visible: set[str]) -> dict[str, Any]:
    if "reading" not in outcome or outcome["reading"] in visible:
        return outcome
    return {"number": outcome["number"], "state": outcome["state"], "reason": outcome["reason"]}


def _transfer_document(transfer: Transfer, visible: set[str]) -> dict[str, Any]:
    job = transfer.job
    return {
        "id": str(transfer.pk),
        "node": transfer.node_name,
        "direction": transfer.direction,
        "state": job.state if job is not None else "failed",
        "phase": job.progress.get("phase", "") if job is not None else "",
        "done": job.progress.get("done", 0) if job is not None else 0,
        "total": job.progress.get("total") if job is not None else None,
        "error": job.error if job is not None else "",
        "outcomes": [_told(one, visible) for one in transfer.outcomes],
        "import_run": str(transfer.import_run_id) if transfer.import_run_id is not None else None,
        "may_resume": may_go_on(transfer),
        "created_by": transfer.created_by.get_username() if transfer.created_by is not None else "",
        "created_at": transfer.created_at,
    }


def sendable_readings(project: Project, by: User) -> QuerySet[Reading]:
    """Readings that a person submitted, or several agreed on: never a model's, and none that `by` may not see yet."""
    found = exported_readings(project=project, by=by, chosen=ExportFilter())
    persons = found.filter(reader__kind__in=(ReaderKind.PERSON, ReaderKind.CONSENSUS))
    return persons.select_related("case", "reader").order_by("case__number", "reader_id")


def sendable_documents(project: Project, by: User) -> list[dict[str, Any]]:
    """Readings that can be sent, the newest submitted first, each with the nodes that have its present revision."""
    sent = _sent_to(project)
    return [
        {
            "id": str(reading.pk),
            "case": reading.case.name,
            "reader": reading.reader.name,
            "submitted_at": reading.submitted_at,
            "sent_to": sorted(sent.get((str(reading.pk), reading.revision), set())),
            "arrows": sum(one["kind"] not in MEASURED_KINDS for one in reading.measurements),
        }
        for reading in sendable_readings(project, by).order_by("-submitted_at")[:1000]
    ]


def _sent_to(project: Project) -> dict[tuple[str, int], set[str]]:
    sent: dict[tuple[str, int], set[str]] = {}
    transfers = Transfer.objects.filter(project=project, direction=Direction.SEND)
    for name, outcomes in transfers.values_list("node_name", "outcomes"):
        for one in outcomes:
            if one["state"] == "done":
                sent.setdefault((one["reading"], one["revision"]), set()).add(name)
    return sent
