"""Writes nodes, the receiving AE title and transfers; asks nodes on a lead's behalf. Every act leaves an audit event.

The trail says who looked for what at which node. Names, patient ids, accession numbers and descriptions are written there as
keyed digests (HMAC under the archive's key): whoever suspects a search for a person can check it, nobody can read it off.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.dimse.addresses import checked_networks
from backend.dimse.ae_titles import checked_ae_title
from backend.dimse.models import (
    Authentication,
    Direction,
    NodeKind,
    ReceivingTitle,
    RemoteNode,
    Retrieval,
    Transfer,
)
from backend.dimse.nodes import module_of
from backend.dimse.remote import FoundSeries, FoundStudy, NodeFailed, SearchKeys, Wanted
from backend.dimse.sealing import sealed, unsealed
from backend.dimse.selectors import may_go_on, sendable_readings
from backend.dimse.tls import checked_authorities
from backend.dimse.web_requests import checked_url
from backend.jobs.services import enqueue_job
from backend.projects.models import Project

MAX_PULLED: Final = 200
MAX_SENT: Final = 2000
_SIDE_BY_SIDE: Final = 4
_asking = threading.BoundedSemaphore(_SIDE_BY_SIDE)
_PLAIN_KEYS: Final = frozenset({"modality", "date_from", "date_to"})
_OF_DIMSE: Final = (
    "host", "port", "ae_title", "calling_ae_title", "retrieval", "may_send", "sends_from", "uses_tls", "tls_name",
    "tls_authority",
)  # fmt: skip
_OF_DICOMWEB: Final = ("base_url", "authentication", "username")


def save_node(*, project: Project, node: RemoteNode | None, given: Mapping[str, Any], by: User) -> RemoteNode:
    """Make a node, or change one; Refused where something of it cannot be. The secret stays if none is given."""
    changed = node or RemoteNode(project=project, kind=given["kind"])
    changed.name = given.get("name", changed.name).strip()
    if not changed.name:
        raise Refused("A node needs a name.")
    names = _OF_DIMSE if changed.kind == NodeKind.DIMSE else _OF_DICOMWEB
    for name in names:
        if name in given:
            setattr(changed, name, given[name])
    if changed.kind == NodeKind.DIMSE:
        _check_dimse(changed)
    else:
        _check_dicomweb(changed, given.get("secret"), is_new=node is None)
    try:
        with transaction.atomic():
            changed.save()
            record_event(
                actor=by, verb="node.created" if node is None else "node.changed", project_id=project.pk,
                object_type="node", object_id=changed.pk,
                detail={"name": changed.name, "kind": changed.kind, **_told_fields(changed, names)},
            )  # fmt: skip
    except IntegrityError as error:
        raise Refused("There is a node of this name already.") from error
    return changed


def _told_fields(node: RemoteNode, names: Sequence[str]) -> dict[str, Any]:
    """What the trail says of a node; of certificates their digest."""
    fields = {name: getattr(node, name) for name in names}
    if trusted := fields.pop("tls_authority", ""):
        fields["tls_authority_sha256"] = hashlib.sha256(trusted.encode()).hexdigest()
    return fields


def _check_dimse(node: RemoteNode) -> None:
    node.host = node.host.strip()
    node.ae_title = checked_ae_title(node.ae_title)
    node.calling_ae_title = checked_ae_title(node.calling_ae_title or "OVERREAD")
    node.sends_from = checked_networks(node.sends_from)
    node.tls_name = node.tls_name.strip()
    node.tls_authority = checked_authorities(node.tls_authority) if node.tls_authority.strip() else ""
    if node.port is not None and not node.host:
        raise Refused("A port needs a host.")
    if node.port is None and not node.may_send:
        raise Refused("Without a port it can neither be asked nor sent to, and it may not send: it would be of no use.")
    if node.may_send and not (node.host or node.sends_from):
        raise Refused("Say from which addresses it sends.")
    if node.retrieval not in Retrieval.values:
        raise Refused("Studies come by C-MOVE or C-GET.")


def _check_dicomweb(node: RemoteNode, secret: str | None, *, is_new: bool) -> None:
    before = "" if is_new else RemoteNode.objects.values_list("base_url", flat=True).get(pk=node.pk)
    node.base_url = checked_url(node.base_url)
    if secret is not None:
        node.secret = sealed(secret)
    elif node.base_url != before:
        # Whoever may not read the secret must not have it sent to a server of his own choice either.
        node.secret = ""
    if node.authentication == Authentication.NONE:
        node.username = node.secret = ""
    elif not node.secret:
        raise Refused("Enter the password or token; a new URL asks for it again.")


def delete_node(*, node: RemoteNode, by: User) -> None:
    """Remove a node; its transfers keep its name."""
    with transaction.atomic():
        record_event(
            actor=by, verb="node.deleted", project_id=node.project_id, object_type="node", object_id=node.pk,
            detail={"name": node.name},
        )  # fmt: skip
        node.delete()


def set_receiving_title(*, project: Project, ae_title: str, by: User) -> None:
    """The AE title under which senders reach this project; empty: nobody does. Refused where another project has it."""
    title = checked_ae_title(ae_title) if ae_title.strip() else ""
    try:
        with transaction.atomic():
            if title:
                ReceivingTitle.objects.update_or_create(project=project, defaults={"ae_title": title})
            else:
                ReceivingTitle.objects.filter(project=project).delete()
            record_event(
                actor=by, verb="receiving_title.set", project_id=project.pk, object_type="project", object_id=project.pk,
                detail={"ae_title": title},
            )  # fmt: skip
    except IntegrityError as error:
        raise Refused("This AE title leads to another project.") from error


def probe_node(*, node: RemoteNode, by: User) -> float:
    """Whether the node answers (C-ECHO, or a search for nothing in particular): seconds it took; NodeFailed otherwise."""
    record_event(actor=by, verb="node.tested", project_id=node.project_id, object_type="node", object_id=node.pk)
    with _Asking():
        started = time.monotonic()
        module_of(node).echo(node)
        return time.monotonic() - started


def search_node(*, node: RemoteNode, keys: SearchKeys, by: User) -> tuple[list[FoundStudy], bool]:
    """Studies of the node that match, and whether there are more; written down before it is asked."""
    record_event(
        actor=by, verb="node.searched", project_id=node.project_id, object_type="node", object_id=node.pk,
        detail={"node": node.name, "keys": told_keys(node.project, keys)},
    )  # fmt: skip
    with _Asking():
        return module_of(node).find_studies(node, keys)


def told_keys(project: Project, keys: SearchKeys) -> dict[str, str]:
    """The keys of a search as the trail holds them: what may name a person as a keyed digest."""
    return {
        name: value if name in _PLAIN_KEYS else key_digest(project, name, value)
        for name, value in asdict(keys).items()
        if value
    }


def key_digest(project: Project, name: str, value: str) -> str:
    """HMAC-SHA-256 of a key of a search under the archive's key; letter case and spaces around it do not matter."""
    message = f"node search {name} {value.strip().casefold()}".encode()
    return hmac.new(bytes.fromhex(project.archive.key), message, hashlib.sha256).hexdigest()


def series_of(*, node: RemoteNode, study: str, by: User) -> list[FoundSeries]:
    """The series of a study that a search has found."""
    wanted = Wanted.of({"study": study})
    record_event(
        actor=by, verb="node.series_listed", project_id=node.project_id, object_type="node", object_id=node.pk,
        detail={"node": node.name, "study": key_digest(node.project, "study", study)},
    )  # fmt: skip
    with _Asking():
        return module_of(node).find_series(node, wanted.study)


class _Asking:
    """At most a few questions at a time: a node that is slow must not hold all threads of the web server."""

    def __enter__(self) -> None:
        if not _asking.acquire(timeout=2):
            raise NodeFailed("Other searches are under way; try again in a moment.")

    def __exit__(self, *_: object) -> None:
        _asking.release()


def start_pull(*, project: Project, node: RemoteNode, studies: Sequence[Mapping[str, Any]], by: User) -> Transfer:
    """Have a worker bring these studies into the project; Refused where none or too many are asked for."""
    if not 1 <= len(studies) <= MAX_PULLED:
        raise Refused(f"Between 1 and {MAX_PULLED} studies can be pulled at once.")
    wanted = [asdict(Wanted.of(dict(study))) for study in studies]
    outcomes = [
        {"number": number, "state": "waiting", "announced": study["instances"], "received": 0, "failed": 0, "reason": ""}
        for number, study in enumerate(wanted, 1)
    ]
    return _begin(project, node, Direction.PULL, wanted, outcomes, by)


def start_send(*, project: Project, node: RemoteNode, readings: Sequence[UUID], by: User) -> Transfer:
    """Have a worker send these readings' objects to the node; Refused for one that no person submitted or that `by` may
    not see."""
    if not 1 <= len(readings) <= MAX_SENT:
        raise Refused(f"Between 1 and {MAX_SENT} readings can be sent at once.")
    allowed = {reading.pk: reading for reading in sendable_readings(project, by).filter(pk__in=readings)}
    if len(allowed) != len(set(readings)):
        raise Refused("Only readings that a person has submitted, and that you may see, can be sent.")
    outcomes = [
        {
            "number": number,
            "state": "waiting",
            "reading": str(reading.pk),
            "case": reading.case.name,
            "reader": reading.reader.name,
            "revision": reading.revision,
            "objects": [],
            "reason": "",
        }
        for number, reading in enumerate(sorted(allowed.values(), key=lambda one: one.case.number), 1)
    ]
    return _begin(project, node, Direction.SEND, [one["reading"] for one in outcomes], outcomes, by)


def _begin(
    project: Project, node: RemoteNode, direction: str, wanted: list[Any], outcomes: list[dict[str, Any]], by: User
) -> Transfer:
    with transaction.atomic():
        transfer = Transfer.objects.create(
            project=project, node=node, node_name=node.name, direction=direction, wanted=sealed(json.dumps(wanted)),
            outcomes=outcomes, created_by=by,
        )  # fmt: skip
        _enqueue(transfer, by)
        detail: dict[str, Any] = {"node": node.name, "count": len(wanted)}
        if direction == Direction.SEND:
            detail["readings"] = wanted
        else:
            detail["studies"] = [key_digest(project, "study", one["study"]) for one in wanted]
        record_event(
            actor=by, verb=f"transfer.{direction}", project_id=project.pk, object_type="transfer", object_id=transfer.pk,
            detail=detail,
        )  # fmt: skip
    return transfer


def resume_transfer(*, transfer: Transfer, by: User) -> Transfer:
    """Go on with what is not done of a transfer that was cancelled or has failed in part; Refused where nothing is left."""
    with transaction.atomic():
        locked = Transfer.objects.select_for_update(of=("self",)).select_related("job").get(pk=transfer.pk)
        if not may_go_on(locked):
            raise Refused("There is nothing left to go on with.")
        locked.outcomes = [
            {**one, "state": "waiting", "reason": ""} if one["state"] != "done" else one for one in locked.outcomes
        ]
        locked.import_run = None
        locked.save(update_fields=["outcomes", "import_run"])
        _enqueue(locked, by)
        record_event(
            actor=by, verb="transfer.resumed", project_id=locked.project_id, object_type="transfer", object_id=locked.pk
        )  # fmt: skip
    return locked


def _enqueue(transfer: Transfer, by: User) -> None:
    transfer.job = enqueue_job(
        task="dimse.run_transfer",
        queue="default",
        project_id=transfer.project_id,
        requested_by=by,
        arguments={"transfer": str(transfer.pk)},
    )
    transfer.save(update_fields=["job"])


def wanted_of(transfer: Transfer) -> list[Any]:
    """What a transfer is to bring or send."""
    found: list[Any] = json.loads(unsealed(transfer.wanted) or "[]")
    return found
