"""The receiver as a sender meets it: real associations, real files, real kills."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.utils import timezone
from pydicom.uid import CTImageStorage, MRImageStorage
from pynetdicom import AE
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE

from backend.archive.models import Instance, QuarantinedFile
from backend.archive.quarantine import original_of
from backend.audit.models import Event
from backend.dimse.models import RemoteNode
from backend.exchange.derived_objects import derived_objects
from backend.exchange.models import ImportItem, ImportRun
from backend.exchange.services import perform_import
from backend.projects.models import Assignment, Case, Membership
from backend.readings.models import Reading
from tests.dimse.conftest import ct_slice, wait_until
from tests.dimse.test_pacs import read_case, submitted_reading

SCU = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., tuple[subprocess.Popen[bytes], int]]


def association(port: int, called: str = "LUNGS") -> Any:
    entity = AE(ae_title="SCANNER")
    for storage_class in (CTImageStorage, MRImageStorage):
        entity.add_requested_context(storage_class)
    made = entity.associate("127.0.0.1", port, ae_title=called)
    assert made.is_established
    return made


def status_of(port: int, *, storage_class: str, data: bytes, context: str = CTImageStorage) -> int:
    """The status with which raw bytes are answered that are called an instance of a class."""
    made = association(port)
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = storage_class, "1.2.3"
    request.DataSet = BytesIO(data)
    number = next(one.context_id for one in made.accepted_contexts if one.abstract_syntax == context)
    made._reactor_checkpoint.clear()
    made.dimse.send_msg(request, number)
    _, answer = made.dimse.get_msg(block=True)
    made._reactor_checkpoint.set()
    made.release()
    return int(answer.Status)


def encoded(dataset: pydicom.Dataset) -> bytes:
    from pynetdicom.dsutils import encode

    return encode(dataset, False, True) or b""


def runs() -> list[ImportRun]:
    return list(ImportRun.objects.filter(job__isnull=False))


def test_an_allowed_sender_is_echoed_and_every_other_rejected_with_the_reason(receiver: Any, dcmtk: SCU) -> None:
    assert dcmtk("echoscu", receiver.port).returncode == 0
    unknown = dcmtk("echoscu", receiver.port, calling="STRANGER")
    assert unknown.returncode != 0 and "Calling AE Title Not Recognized" in unknown.stdout + unknown.stderr
    wrong = dcmtk("echoscu", receiver.port, called="NOBODY")
    assert wrong.returncode != 0 and "Called AE Title Not Recognized" in wrong.stdout + wrong.stderr
    RemoteNode.objects.update(host="192.0.2.1")
    assert "Calling AE Title Not Recognized" in (elsewhere := dcmtk("echoscu", receiver.port)).stdout + elsewhere.stderr
    RemoteNode.objects.update(sends_from="127.0.0.0/8")
    assert dcmtk("echoscu", receiver.port).returncode == 0
    RemoteNode.objects.update(may_send=False)
    assert dcmtk("echoscu", receiver.port).returncode != 0


def test_what_storescu_sends_becomes_an_import_of_the_project_and_a_case(
    receiver: Any, ct_project: Any, dcmtk: SCU, slices: Callable[..., Path]
) -> None:
    sent = dcmtk("storescu", receiver.port, "+sd", str(slices(3)))
    assert sent.returncode == 0, sent.stderr
    assert (sent.stdout + sent.stderr).count("Received Store Response (Success)") == 3
    wait_until(lambda: len(runs()) == 1)
    run = runs()[0]
    assert run.project == ct_project and run.options == {"origin": "C-STORE from SCANNER"}
    assert list(run.items.values_list("name", flat=True)) == ["000001.dcm", "000002.dcm", "000003.dcm"]
    perform_import(run=run, on_item=lambda *_: None)
    assert {item.state for item in run.items.all()} == {"imported"}
    assert Instance.objects.count() == 3 and Case.objects.get().project == ct_project
    event = Event.objects.get(verb="import.received")
    assert event.detail == {"files": 3, "calling_ae_title": "SCANNER", "address": "127.0.0.1"}


def test_many_short_associations_of_one_sender_become_one_import(
    receiver: Any, dcmtk: SCU, slices: Callable[..., Path]
) -> None:
    for file in sorted(slices(3).iterdir()):
        assert dcmtk("storescu", receiver.port, str(file)).returncode == 0
    wait_until(lambda: len(runs()) == 1)
    assert runs()[0].items.count() == 3


def test_a_slow_scanner_with_an_association_for_each_slice_makes_one_case_of_a_series(
    receiver: Any, settings: Any, dcmtk: SCU, slices: Callable[..., Path]
) -> None:
    settings.RECEIVED_QUIET_SECONDS = 4.0
    for file in sorted(slices(3).iterdir()):
        assert dcmtk("storescu", receiver.port, str(file)).returncode == 0
        time.sleep(2.5)
    wait_until(lambda: len(runs()) == 1)
    perform_import(run=runs()[0], on_item=lambda *_: None)
    assert runs()[0].items.count() == 3 and Case.objects.get().series.instances.count() == 3


def test_a_slice_that_comes_after_its_case_was_opened_is_kept_and_told(
    receiver: Any, ct_project: Any, dcmtk: SCU, slices: Callable[..., Path], make_person: Any, as_person: Any
) -> None:
    first, second, late = sorted(slices(3).iterdir())
    assert dcmtk("storescu", receiver.port, str(first), str(second)).returncode == 0
    wait_until(lambda: len(runs()) == 1)
    perform_import(run=runs()[0], on_item=lambda *_: None)
    lena = make_person("lena")
    Membership.objects.create(project=ct_project, user=lena, role="lead")
    case = Case.objects.get()
    arm = "assisted" if case.split == "POOL" else "blinded"  # Where it was drawn to is chance.
    Assignment.objects.create(case=case, user=lena, arm=arm, arm_probability=1.0)
    assert dcmtk("storescu", receiver.port, str(late)).returncode == 0
    wait_until(lambda: len(runs()) == 2)
    run = runs()[0]  # the newest first
    perform_import(run=run, on_item=lambda *_: None)
    reason = "Its series has been read already; no image can be added to it."
    item = run.items.get()
    assert (item.state, item.reason) == ("refused", reason)
    page = as_person(lena).get(f"/api/v1/projects/{ct_project.slug}/quarantine/").json()
    assert [(one["reason"], one["origin"]) for one in page["results"]] == [(reason, "C-STORE from SCANNER")]
    with original_of(QuarantinedFile.objects.get()) as kept:
        assert pydicom.dcmread(kept).SOPInstanceUID == pydicom.dcmread(late).SOPInstanceUID
    ImportRun.objects.update(finished_at=timezone.now() - timedelta(minutes=2))
    wait_until(lambda: not list(receiver.spool.held.iterdir()))
    assert not list(receiver.spool.failed.iterdir())


@pytest.mark.parametrize("first", ["SR", "SEG"])
def test_a_report_and_its_segmentation_that_come_by_two_associations_are_both_kept(
    receiver: Any, ct_project: Any, lead: Any, reader: Any, slices: Callable[..., Path], first: str
) -> None:
    case = read_case(ct_project, slices(3), lead)
    sent = {str(one.Modality): one for one in derived_objects(submitted_reading(ct_project, case, user=reader))}
    sent["SEG"].ContentCreatorName = "Tool"  # else both were one reading of one reader
    for number, modality in enumerate([first, *({"SR", "SEG"} - {first})], 1):
        entity = AE(ae_title="SCANNER")
        entity.add_requested_context(sent[modality].SOPClassUID, sent[modality].file_meta.TransferSyntaxUID)
        made = entity.associate("127.0.0.1", receiver.port, ae_title="LUNGS")
        assert made.send_c_store(sent[modality]).Status == 0x0000
        made.release()
        wait_until(lambda number=number: len(runs()) == number)
        run = runs()[0]
        perform_import(run=run, on_item=lambda *_: None)
        assert [(item.state, item.reason) for item in run.items.all()] == [("imported", "Readings.")]
        assert ct_project.pending_readings.count() == int(number == 1 and first == "SR")
    imported = Reading.objects.filter(reader__kind="imported")
    assert {len(reading.lesions.all()) for reading in imported} == {1}
    assert sorted(imported.values_list("reader__name", flat=True)) == (["rita"] if first == "SR" else ["Tool", "rita"])


def test_the_status_of_a_store_tells_the_truth(receiver: Any, settings: Any) -> None:
    dataset = ct_slice(1, study="1.2.9", series="1.2.9.1")
    good = encoded(dataset)
    assert status_of(receiver.port, storage_class=CTImageStorage, data=good) == 0x0000
    assert status_of(receiver.port, storage_class=MRImageStorage, data=good) == 0x0122
    assert status_of(receiver.port, storage_class=MRImageStorage, data=good, context=MRImageStorage) == 0xA900
    assert status_of(receiver.port, storage_class=CTImageStorage, data=os.urandom(999)) == 0xC000
    assert status_of(receiver.port, storage_class=CTImageStorage, data=good[:20]) == 0xC000
    settings.DICOM_RESERVE_MB = 1 << 30
    time.sleep(1.1)
    assert status_of(receiver.port, storage_class=CTImageStorage, data=good) == 0xA700
    assert list(receiver.spool.incoming.iterdir()) == []
    wait_until(lambda: len(runs()) == 1)
    assert ImportItem.objects.count() == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        os.urandom(500),
        struct.pack(">BBL", 1, 0, 0xFFFFFFF0) + b"x" * 100,
        struct.pack(">BBL", 1, 0, 500) + os.urandom(500),
        struct.pack(">BBL", 4, 0, 12) + os.urandom(12),
        b"\x01",
        b"",
    ],
    ids=["http", "noise", "a PDU of 4 GB", "noise as a request", "data before an association", "a byte", "nothing"],
)
def test_garbage_on_the_port_ends_that_connection_and_no_other(receiver: Any, dcmtk: SCU, sent: bytes) -> None:
    answer = b""
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as connection:
        # It may close before all is said: then to send more, or to read on, is an error of the line.
        with suppress(OSError):
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            answer = connection.recv(100)
    assert answer == b"" or answer[0] in (3, 7)  # closed, rejected or aborted
    assert dcmtk("echoscu", receiver.port).returncode == 0


def test_a_sender_that_breaks_off_within_an_object_leaves_nothing_of_it(receiver: Any, dcmtk: SCU) -> None:
    made = association(receiver.port)
    assert made.send_c_store(ct_slice(1, study="1.2.9", series="1.2.9.1")).Status == 0
    number = next(one.context_id for one in made.accepted_contexts if one.abstract_syntax == CTImageStorage)
    request = C_STORE()
    request.MessageID, request.Priority, request.AffectedSOPClassUID = 2, 2, CTImageStorage
    request.AffectedSOPInstanceUID, request.DataSet = "1.2.9.1.2", BytesIO(b"\0" * 5_000_000)
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    for piece in list(message.encode_msg(number, 16_384))[:20]:
        made.dul.send_pdu(piece)
    wait_until(lambda: bool(list(receiver.spool.incoming.iterdir())))
    made.abort()
    wait_until(lambda: not list(receiver.spool.incoming.iterdir()))
    wait_until(lambda: len(runs()) == 1)
    assert ImportItem.objects.count() == 1


def test_no_more_associations_than_are_allowed(receiver: Any, settings: Any, dcmtk: SCU) -> None:
    settings.DICOM_ASSOCIATIONS = 1
    first = association(receiver.port)
    second = dcmtk("echoscu", receiver.port)
    assert second.returncode != 0 and "Local Limit Exceeded" in second.stdout + second.stderr
    first.release()
    wait_until(lambda: dcmtk("echoscu", receiver.port).returncode == 0)


@pytest.mark.slow
def test_nothing_that_was_acknowledged_is_lost_when_the_receiver_is_killed(
    receiver_process: Start,
    slices: Callable[..., Path],
    dcmtk: SCU,
    tmp_path: Path,
) -> None:
    process, port = receiver_process()
    assert dcmtk("echoscu", port).returncode == 0
    folder, log = slices(60, size=256), tmp_path / "storescu.log"
    command = ["storescu", "-v", "-aet", "SCANNER", "-aec", "LUNGS", "127.0.0.1", str(port), "+sd", str(folder)]
    with log.open("wb") as output:
        sender = subprocess.Popen(command, stdout=output, stderr=output)
    wait_until(lambda: log.read_text().count("(Success)") >= 7)
    process.send_signal(signal.SIGKILL)
    sender.wait(30)
    acknowledged = log.read_text().count("(Success)")
    assert 7 <= acknowledged < 60
    receiver_process()
    wait_until(lambda: len(runs()) == 1)
    run = runs()[0]
    assert acknowledged <= run.items.count() <= acknowledged + 1
    perform_import(run=run, on_item=lambda *_: None)
    assert {item.state for item in run.items.all()} == {"imported"}


@pytest.mark.slow
def test_the_process_is_bound_in_memory(receiver_process: Start) -> None:
    process, port = receiver_process(OVERREAD_DICOM_MEMORY_MB="900")
    made = [association(port) for _ in range(12)]
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    assert str(900 << 20) in next(line for line in limits.splitlines() if line.startswith("Max address space"))
    for one in made:
        one.release()
    peak = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    assert int(peak.split()[1]) < 400_000


def test_up_runs_it_only_where_a_port_is_set(settings: Any) -> None:
    from backend.config.product import dicom_receiver

    settings.DICOM_PORT = 0
    assert dicom_receiver() == []
    settings.DICOM_PORT = 11112
    assert [service.name for service in dicom_receiver()] == ["dicom-receiver"]
