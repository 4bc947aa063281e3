"""DICOM over TLS with real sockets and dcmtk: what is encrypted works; what is not as it should be is refused and told."""

from __future__ import annotations

import io
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pynetdicom import AE

from backend.archive.models import Instance
from backend.audit.models import Event
from backend.dicom.refusal import Refused
from backend.dimse import dimse_node
from backend.dimse.models import RemoteNode
from backend.dimse.receiver import Receiver
from backend.dimse.remote import NodeFailed, SearchKeys
from backend.dimse.services import probe_node, search_node, start_pull
from backend.dimse.tls import receiving_context
from backend.dimse.transferring import run_transfer
from backend.exchange.models import ImportItem, ImportRun
from backend.jobs.services import claim_job
from tests.dimse.certificates import Authority, Issued
from tests.dimse.conftest import ct_slice, wait_until
from tests.dimse.test_pacs import run
from tests.orthanc import Orthanc, start_orthanc

SCU = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secured(authority: Authority, settings: Any) -> Issued:
    """Our own certificate, and whose senders are believed."""
    own = authority.issue("overread")
    settings.DICOM_TLS_CERTIFICATE, settings.DICOM_TLS_KEY = str(own.certificate), str(own.key)
    settings.DICOM_TLS_CLIENT_AUTHORITIES = str(authority.certificate)
    return own


@pytest.fixture
def tls_receiver(secured: Issued, ct_project: Any, empty_spool: Path) -> Iterator[Receiver]:
    """A receiver with both ports, in threads of this process."""
    started = Receiver(host="127.0.0.1", port=0, tls_port=0, tls=receiving_context())
    started.start()
    yield started
    started.stop()
    wait_until(lambda: not started.is_busy(), 10)


def shown(issued: Issued, authority: Authority) -> list[str]:
    """Options of dcmtk: a certificate of its own, and whom it believes."""
    return ["+tls", str(issued.key), str(issued.certificate), "+cf", str(authority.certificate)]


def test_what_storescu_sends_by_tls_is_received(
    tls_receiver: Receiver, authority: Authority, dcmtk: SCU, slices: Callable[..., Path]
) -> None:
    options = shown(authority.issue("scanner"), authority)
    sent = dcmtk("storescu", tls_receiver.tls_port, *options, "+sd", str(slices(3, size=300)))
    assert sent.returncode == 0, sent.stderr
    assert (sent.stdout + sent.stderr).count("Received Store Response (Success)") == 3
    wait_until(lambda: ImportItem.objects.count() == 3)


def test_a_sender_without_tls_or_without_a_certificate_that_is_believed_is_refused_with_the_reason(
    tls_receiver: Receiver, authority: Authority, dcmtk: SCU, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "elsewhere").mkdir()
    stranger = Authority(tmp_path / "elsewhere", "Elsewhere")
    attempts = {
        "it does not speak TLS": [],
        "it shows no certificate": ["+tla", "-ic"],
        "its certificate has expired": shown(authority.issue("late", days=-1), authority),
        "nobody whom we trust issued its certificate": shown(stranger.issue("stranger"), authority),
    }
    for reason, options in attempts.items():
        caplog.clear()
        assert dcmtk("echoscu", tls_receiver.tls_port, *options).returncode != 0
        wait_until(lambda reason=reason: reason in caplog.text)
        assert "Traceback" not in caplog.text
    assert dcmtk("echoscu", tls_receiver.tls_port, *shown(authority.issue("scanner"), authority)).returncode == 0


def test_versions_before_1_2_are_refused(tls_receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    line = socket.create_connection(("127.0.0.1", int(tls_receiver.tls_port or 0)), timeout=10)
    with line, pytest.raises(OSError):
        context.wrap_socket(line)
    wait_until(lambda: "speaks no version of TLS that is allowed" in caplog.text)


def test_a_node_of_tls_may_not_send_in_plain(tls_receiver: Receiver, authority: Authority, dcmtk: SCU) -> None:
    assert dcmtk("echoscu", tls_receiver.port).returncode == 0
    RemoteNode.objects.update(uses_tls=True)
    refused = dcmtk("echoscu", tls_receiver.port)
    assert refused.returncode != 0 and "Calling AE Title Not Recognized" in refused.stdout + refused.stderr
    assert dcmtk("echoscu", tls_receiver.tls_port, *shown(authority.issue("scanner"), authority)).returncode == 0


def test_a_peer_that_does_not_end_its_hand_shake_is_let_go(
    tls_receiver: Receiver, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DICOM_IDLE_SECONDS = 1.0
    with socket.create_connection(("127.0.0.1", int(tls_receiver.tls_port or 0)), timeout=10) as line:
        started = time.monotonic()
        with suppress(OSError):
            for byte in b"\x16\x03\x01\x02\x00" + bytes(100):
                line.sendall(bytes([byte]))
                time.sleep(0.2)
        assert time.monotonic() - started < 10
    wait_until(lambda: "it does not answer in TLS in time" in caplog.text)


def test_an_association_by_tls_ends_with_the_receiver(tls_receiver: Receiver, authority: Authority) -> None:
    scanner = authority.issue("scanner")
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(scanner.certificate, scanner.key)
    entity = AE(ae_title="SCANNER")
    entity.add_requested_context("1.2.840.10008.1.1")
    made = entity.associate("127.0.0.1", int(tls_receiver.tls_port or 0), ae_title="LUNGS", tls_args=(context, "127.0.0.1"))
    assert made.is_established and made.send_c_echo().Status == 0
    tls_receiver.stop()
    wait_until(lambda: not tls_receiver.is_busy() and not made.is_established)


def test_a_certificate_that_cannot_be_used_is_told_before_anything_listens(authority: Authority, settings: Any) -> None:
    own, other, late = authority.issue("own"), authority.issue("other"), authority.issue("late", days=-1)
    for certificate, key, reason in (
        ("", "", "needs a certificate"),
        ("/nowhere/a.pem", str(own.key), "CERTIFICATE names cannot be read"),
        (str(own.certificate), "/nowhere/a.key", "KEY names cannot be read"),
        (str(own.certificate), str(other.key), "is not the key of the certificate"),
        (str(own.key), str(own.key), "not a certificate in PEM"),
        (str(late.certificate), str(late.key), "expired on 20"),
    ):
        settings.DICOM_TLS_CERTIFICATE, settings.DICOM_TLS_KEY = certificate, key
        with pytest.raises(Refused, match=reason):
            receiving_context()


@pytest.fixture
def secured_orthanc(tmp_path: Path, authority: Authority) -> Iterator[Orthanc]:
    """An empty Orthanc that speaks DICOM by TLS alone, to whoever shows a certificate of the authority."""
    folder, own = tmp_path / "orthanc", authority.issue("orthanc.example.org")
    folder.mkdir()
    trusted = {"DicomTlsCertificate": str(own.certificate), "DicomTlsPrivateKey": str(own.key)}
    started = start_orthanc(folder, DicomTlsEnabled=True, DicomTlsTrustedCertificates=str(authority.certificate), **trusted)
    yield started
    started.process.kill()
    started.process.wait()


@pytest.fixture
def pacs(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """Starts dcmtk's receiver with these options as a node that may be sent to; gives the port it listens on."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> int:
        if shutil.which("storescp") is None:
            pytest.skip("storescp (Debian's dcmtk) is not installed")
        (tmp_path / "archive").mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        command = ["storescp", "-aet", "PACS", "-od", str(tmp_path / "archive"), "+xa", *options, str(port)]
        with (tmp_path / "storescp.log").open("ab") as log:
            started.append(subprocess.Popen(command, stdout=log, stderr=log))
        wait_until(lambda: _listens(port))
        return port

    yield start
    for process in started:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def node(project: Any, port: int, authority: Authority | None, **more: Any) -> RemoteNode:
    RemoteNode.objects.filter(name="PACS").delete()
    return RemoteNode.objects.create(
        project=project, name="PACS", kind="dimse", host="127.0.0.1", port=port, ae_title="PACS", calling_ae_title="US",
        uses_tls=True, tls_authority=authority.pem if authority else "", **more,
    )  # fmt: skip


def test_a_node_is_sent_to_by_tls(
    ct_project: Any, lead: Any, secured: Issued, authority: Authority, pacs: Callable[..., int], tmp_path: Path
) -> None:
    server = authority.issue("pacs.example.org")
    port = pacs(*shown(server, authority))
    ours = node(ct_project, port, authority)
    assert probe_node(node=ours, by=lead) > 0
    objects = [ct_slice(number, study="1.2.9", series="1.2.9.1", size=400) for number in range(1, 4)]
    assert list(dimse_node.send(ours, objects)) == ["", "", ""]
    kept = [pydicom.dcmread(file) for file in (tmp_path / "archive").iterdir()]
    assert {one.SOPInstanceUID for one in kept} == {one.SOPInstanceUID for one in objects}
    assert {one.PixelData for one in kept} == {one.PixelData for one in objects}
    # The certificate itself may be what is trusted, and its name another than the host.
    alone = node(ct_project, port, None, tls_name="pacs.example.org")
    alone.tls_authority = server.pem
    assert probe_node(node=alone, by=lead) > 0


def test_an_orthanc_is_searched_and_pulled_from_by_tls(
    ct_project: Any, lead: Any, secured: Issued, authority: Authority, secured_orthanc: Orthanc
) -> None:
    content = io.BytesIO()
    pydicom.dcmwrite(content, ct_slice(1, study="1.2.9", series="1.2.9.1"), enforce_file_format=True)
    secured_orthanc.store(content.getvalue())
    ours = node(ct_project, secured_orthanc.dicom_port, authority)
    studies, _ = search_node(node=ours, keys=SearchKeys(patient_id="P-17"), by=lead)
    assert [one.study_instance_uid for one in studies] == ["1.2.9"]
    transfer = run(start_pull(project=ct_project, node=ours, studies=[{"study": "1.2.9"}], by=lead))
    assert [(one["state"], one["received"]) for one in transfer.outcomes] == [("done", 1)]
    assert Instance.objects.count() == 1
    ours.uses_tls = False
    with pytest.raises(NodeFailed):
        probe_node(node=ours, by=lead)


def test_by_c_move_the_studies_arrive_at_our_tls_port(
    tls_receiver: Receiver, ct_project: Any, lead: Any, authority: Authority, secured_orthanc: Orthanc
) -> None:
    for number in range(1, 4):
        content = io.BytesIO()
        pydicom.dcmwrite(content, ct_slice(number, study="1.2.9", series="1.2.9.1"), enforce_file_format=True)
        secured_orthanc.store(content.getvalue())
    RemoteNode.objects.all().delete()
    ours = node(ct_project, secured_orthanc.dicom_port, authority, retrieval="move", may_send=True)
    ours.ae_title = "ORTHANC"
    ours.save()
    secured_orthanc.know_modality("us", "LUNGS", int(tls_receiver.tls_port or 0), tls=True)
    transfer = run(start_pull(project=ct_project, node=ours, studies=[{"study": "1.2.9", "instances": 3}], by=lead))
    assert [(one["state"], one["received"]) for one in transfer.outcomes] == [("done", 3)]
    wait_until(lambda: ImportRun.objects.filter(job__isnull=False).exists())
    assert ImportRun.objects.get().options == {"origin": "C-STORE from ORTHANC"}
    # The same by the plain port: a node of TLS may not send there.
    secured_orthanc.know_modality("us", "LUNGS", int(tls_receiver.port or 0))
    again = start_pull(project=ct_project, node=ours, studies=[{"study": "1.2.9", "instances": 3}], by=lead)
    lease = claim_job(again.job_id)  # type: ignore[arg-type]
    assert lease is not None
    with pytest.raises(Exception, match="."):
        run_transfer(lease)
    again.refresh_from_db()
    assert [one["state"] for one in again.outcomes] == ["failed"] and ImportItem.objects.count() == 3


def test_why_there_is_no_tls_connection_is_told(
    ct_project: Any,
    lead: Any,
    secured: Issued,
    authority: Authority,
    pacs: Callable[..., int],
    tmp_path: Path,
    settings: Any,
) -> None:
    (tmp_path / "elsewhere").mkdir()
    stranger = Authority(tmp_path / "elsewhere", "Elsewhere")
    good = pacs(*shown(authority.issue("pacs.example.org"), authority))
    late = pacs(*shown(authority.issue("late.example.org", days=-1), authority))
    plain = pacs()

    def refused(port: int, trusted: Authority | None = authority, **more: Any) -> str:
        with pytest.raises(NodeFailed) as told:
            probe_node(node=node(ct_project, port, trusted, **more), by=lead)
        return str(told.value)

    assert refused(late) == "No TLS connection: its certificate has expired."
    assert refused(good, stranger) == "No TLS connection: nobody whom we trust issued its certificate."
    assert refused(good, None) == "No TLS connection: nobody whom we trust issued its certificate."
    assert refused(good, tls_name="other.example.org") == "No TLS connection: its certificate is for another name."
    assert refused(plain).startswith("No TLS connection: it ")
    settings.DICOM_TLS_CERTIFICATE = settings.DICOM_TLS_KEY = ""
    assert refused(good).startswith("No TLS connection: it asks for a certificate of ours")


def test_the_trust_of_a_node_is_checked_kept_and_written_down(
    project: Any, lead: Any, as_person: Callable[..., Any], authority: Authority
) -> None:
    client, path = as_person(lead), "/api/v1/projects/breast/pacs/"
    given = {"kind": "dimse", "name": "PACS", "host": "10.1.2.3", "port": 2762, "ae_title": "PACS", "uses_tls": True}
    late = authority.issue("late", days=-1)
    for pem, reason in (("nonsense", "not a certificate in PEM"), (late.pem, "expired on")):
        answer = client.post(path, {**given, "tls_authority": pem}, format="json")
        assert answer.status_code == 400 and reason in str(answer.json())
    made = client.post(path, {**given, "tls_authority": f"Hospital CA\n{authority.pem}\n# end"}, format="json").json()
    assert made["uses_tls"] and made["tls_authority"] == authority.pem
    detail = Event.objects.get(verb="node.created").detail
    assert detail["uses_tls"] and len(detail["tls_authority_sha256"]) == 64 and "CERTIFICATE" not in str(detail)


def test_the_process_tells_where_it_listens_or_why_not(
    secured: Issued, receiver_process: Callable[..., Any], tmp_path: Path
) -> None:
    environment = {
        "OVERREAD_DICOM_TLS_CERTIFICATE": str(secured.certificate),
        "OVERREAD_DICOM_TLS_KEY": str(secured.key),
    }
    process, port = receiver_process("--tls-port", "0", **environment)
    assert port > 0 and _listens(port)
    process.terminate()
    assert process.wait(10) == 0
    late = {**environment, "OVERREAD_DICOM_TLS_KEY": "/nowhere"}
    process, _ = receiver_process("--tls-port", "0", **late)
    assert process.wait(30) == 1
    log = (tmp_path / "receiver.log").read_text()
    assert "CommandError: The file that OVERREAD_DICOM_TLS_KEY names cannot be read." in log
