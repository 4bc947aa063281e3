"""A worker's side of a transfer: studies from a node through the archive's door, or results to a node. Can be broken off.

What is done is written down study by study, reading by reading, so another attempt goes on behind it.
"""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from backend.accounts.models import User
from backend.audit.services import record_event
from backend.dicom.refusal import Refused
from backend.dimse.models import Direction, NodeKind, RemoteNode, Retrieval, Transfer
from backend.dimse.nodes import module_of
from backend.dimse.remote import Delivery, NodeFailed, Received, Wanted
from backend.dimse.selectors import receiving_title, sendable_readings
from backend.dimse.services import wanted_of
from backend.exchange.derived_objects import derived_objects
from backend.exchange.import_options import ImportOptions
from backend.exchange.models import ImportItem, ImportRun, ImportState, ItemState
from backend.exchange.services import run_import
from backend.exchange.sources import remove_uploads, upload_folder
from backend.jobs.services import JobCancelled, Lease, is_cancelled, report_progress

_REPORT_SECONDS: Final = 0.5


def run_transfer(lease: Lease) -> None:
    """Bring or send what the transfer of this job wants; its result is in the lease, each outcome in the transfer."""
    transfer = Transfer.objects.select_related("project__archive", "node", "created_by").get(
        pk=UUID(lease.job.arguments["transfer"])
    )
    if transfer.node is None:
        raise Refused("The node was removed.")
    work: _Pull | _Send = (_Pull if transfer.direction == Direction.PULL else _Send)(lease, transfer, transfer.node)
    work.run()
    states = [one["state"] for one in transfer.outcomes]
    lease.result |= {"done": states.count("done"), "failed": states.count("failed")}
    if states and not states.count("done"):
        reasons = {one["reason"] for one in transfer.outcomes if one["reason"]}
        raise Refused(reasons.pop() if len(reasons) == 1 else "None of it went well; each one's reason is told beside it.")


class _Transferring:
    """What both directions share: progress, and outcomes that outlive an attempt."""

    def __init__(self, lease: Lease, transfer: Transfer, node: RemoteNode) -> None:
        self.lease = lease
        self.transfer = transfer
        self.node = node
        self._reported = 0.0

    def tell(self, phase: str, done: int, total: int | None) -> None:
        """Report how far it is, now and then; JobCancelled where somebody asked to stop."""
        if time.monotonic() - self._reported < _REPORT_SECONDS:
            return
        self._reported = time.monotonic()
        if is_cancelled(self.lease):
            raise JobCancelled
        report_progress(self.lease, phase=phase, done=done, total=total)

    def settle(self, index: int, **values: Any) -> None:
        """Write down what became of one; forget what was wanted once all is done."""
        self.transfer.outcomes[index] |= values
        if all(one["state"] == "done" for one in self.transfer.outcomes):
            self.transfer.wanted = ""
        self.transfer.save(update_fields=["outcomes", "wanted"])


class _Pull(_Transferring):
    def run(self) -> None:
        """Study by study into the run's folder, then the run through the archive's door."""
        wanted = [Wanted(**one) for one in wanted_of(self.transfer)]
        brings_here = self.node.kind == NodeKind.DICOMWEB or self.node.retrieval == Retrieval.GET
        run = self._import_run() if brings_here else None
        try:
            for index, study in enumerate(wanted):
                if self.transfer.outcomes[index]["state"] not in ("done", "received"):
                    self._retrieve(index, study, run)
        except JobCancelled:
            if run is not None:
                self._give_up(run)
            raise
        if run is None:
            return
        if not ImportItem.objects.filter(run=run).exists():
            self.transfer.import_run = None
            self.transfer.save(update_fields=["import_run"])
            _forget(run)
            return
        report_progress(self.lease, phase="importing")
        self.lease.job.arguments = {**self.lease.job.arguments, "import_run": str(run.pk)}
        run_import(self.lease)
        for index, one in enumerate(self.transfer.outcomes):
            if one["state"] == "received":
                self.settle(index, state="done")

    def _import_run(self) -> ImportRun:
        """The run of this attempt, or that of an attempt whose worker was lost."""
        known = self.transfer.import_run
        if known is not None and known.state in (ImportState.QUEUED, ImportState.RUNNING):
            return known
        with transaction.atomic():
            run = ImportRun.objects.create(
                project=self.transfer.project, state=ImportState.QUEUED, job=self.lease.job,
                created_by=self.transfer.created_by, options=ImportOptions(origin=f"PACS {self.node.name}").as_json(),
            )  # fmt: skip
            self.transfer.import_run = run
            self.transfer.save(update_fields=["import_run"])
            record_event(
                actor=self.transfer.created_by, verb="import.created", project_id=run.project_id, object_type="import",
                object_id=run.pk, detail={"transfer": str(self.transfer.pk), "node": self.node.name},
            )  # fmt: skip
        return run

    def _retrieve(self, index: int, study: Wanted, run: ImportRun | None) -> None:
        """One study; what an earlier attempt had of it is fetched again."""
        folder = upload_folder(run.pk if run is not None else self.transfer.pk)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        prefix = f"{index + 1:04d}/"
        if run is not None:
            for item in ImportItem.objects.filter(run=run, name__startswith=prefix):
                (folder / str(item.pk)).unlink(missing_ok=True)
                item.delete()
        count = 0

        def place() -> Path:
            return folder / str(uuid.uuid4())

        def arrived(path: Path) -> None:
            nonlocal count
            assert run is not None  # by C-MOVE nothing comes this way
            count += 1
            size = path.stat().st_size
            ImportItem.objects.create(
                pk=UUID(path.name), run=run, name=f"{prefix}{count:06d}.dcm", size=size, received=size,
                state=ItemState.WAITING,
            )  # fmt: skip

        def look_up(result: Received) -> None:
            before = sum(one["received"] for one in self.transfer.outcomes[:index])
            self.tell("retrieving", before + result.received, self._total(index, result))

        try:
            result = module_of(self.node).retrieve(
                self.node, study, Delivery(place, arrived, look_up), receiving_title=receiving_title(self.transfer.project)
            )
        except NodeFailed as failure:
            self.settle(index, state="failed", reason=str(failure), received=count)
            return
        finally:
            if run is None:
                remove_uploads(self.transfer.pk)
        missing = max(result.failed, (result.announced or 0) - result.received)
        if not result.received or missing > 0:
            reason = f"{missing} of its images did not come." if result.received else "The node sent nothing."
            self.settle(index, state="failed", reason=reason, received=result.received, failed=missing)
            return
        state = "received" if run is not None else "done"
        self.settle(index, state=state, received=result.received, failed=0, announced=result.announced)

    def _total(self, index: int, result: Received) -> int | None:
        others = [one["announced"] for number, one in enumerate(self.transfer.outcomes) if number != index]
        announced = [*others, result.announced]
        return None if any(value is None for value in announced) else sum(announced)

    def _give_up(self, run: ImportRun) -> None:
        """What came before a person stopped it is not kept: it will come again."""
        ImportItem.objects.filter(run=run).delete()
        self.transfer.import_run = None
        for one in self.transfer.outcomes:
            if one["state"] == "received":
                one |= {"state": "waiting", "received": 0}
        self.transfer.save(update_fields=["import_run", "outcomes"])
        _forget(run)


def _forget(run: ImportRun) -> None:
    pk = run.pk  # a deleted row has none
    run.delete()
    remove_uploads(pk)


class _Send(_Transferring):
    def run(self) -> None:
        """Reading by reading: objects made anew of what is submitted now, then stored there."""
        by = self.transfer.created_by
        if by is None:
            raise Refused("Whoever asked for this has no account any more.")
        for index, one in enumerate(self.transfer.outcomes):
            self.tell("sending", index, len(self.transfer.outcomes))
            if one["state"] != "done":
                self._send(index, UUID(one["reading"]), by)
        states = [one["state"] for one in self.transfer.outcomes]
        record_event(
            actor=by, verb="transfer.sent", project_id=self.transfer.project_id, object_type="transfer",
            object_id=self.transfer.pk,
            detail={"node": self.node.name, "done": states.count("done"), "failed": states.count("failed")},
        )  # fmt: skip

    def _send(self, index: int, key: UUID, by: User) -> None:
        reading = sendable_readings(self.transfer.project, by).filter(pk=key).first()
        if reading is None:
            self.settle(index, state="failed", reason="It is no longer submitted, or not to be seen by who sends it.")
            return
        told: list[dict[str, str]] = []
        try:
            objects = derived_objects(reading)
            for made, reason in zip(objects, module_of(self.node).send(self.node, objects), strict=True):
                told.append({"modality": str(made.Modality), "uid": str(made.SOPInstanceUID), "reason": reason})
        except (Refused, NodeFailed) as failure:
            self.settle(index, state="failed", reason=str(failure), objects=told, revision=reading.revision)
            return
        failed = [one for one in told if one["reason"]]
        self.settle(
            index,
            state="failed" if failed else "done",
            reason=failed[0]["reason"] if failed else "",
            objects=told,
            revision=reading.revision,
        )
