"""PACS that attack whoever asks them: each question ends soon, with studies or with one clear sentence."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pynetdicom.pdu import A_ASSOCIATE_AC

from backend.dimse import dimse_node, web_requests
from backend.dimse.models import RemoteNode
from backend.dimse.nodes import module_of
from backend.dimse.remote import NodeFailed, SearchKeys
from tests.soak.association_mutants import RELEASE, element, item, pdu, value
from tests.soak.limits import MOST_MEMORY, SEED, grows_less_than, is_clear
from tests.soak.mutants import cut, flipped

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.timeout(7200),
    # A thread of pynetdicom that an answer ended; whoever asked is told by the silence that follows.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]

IN_THE_SUITE, IN_ALL = {"dimse": 60, "dicomweb": 60}, {"dimse": 3_000, "dicomweb": 3_000}
LONGEST_WALL_S = 8.0
KEYS = SearchKeys(patient_id="P-17")
_FIND = b"1.2.840.10008.5.1.4.1.2.2.1"
_HUGE = 0xFFFFFFF0


@contextmanager
def pacs(says: Callable[[socket.socket], None]) -> Iterator[int]:
    """The port of a peer that does this to each connection, until the end of the block."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                line, _ = listener.accept()
                with line, suppress(OSError):
                    line.settimeout(LONGEST_WALL_S + 2)
                    says(line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(LONGEST_WALL_S + 3)


def accepted(syntax: bytes = b"1.2.840.10008.1.2", *, length: bytes = struct.pack(">L", 16_384)) -> bytes:
    """The acceptance, in this transfer syntax, of the one presentation context that a search proposes."""
    head = struct.pack(">HH16s16s32s", 1, 0, b"EVIL".ljust(16), b"OVERREAD".ljust(16), b"")
    agreed = item(0x21, struct.pack(">BBBB", 1, 0, 0, 0) + item(0x40, syntax))
    told = (item(0x51, length) if length else b"") + item(0x52, b"1.2.3.4")
    whole = pdu(2, head + item(0x10, b"1.2.840.10008.3.1.1.1") + agreed + item(0x50, told))
    A_ASSOCIATE_AC().decode(whole)
    return whole


def response(status: int, *, has_dataset: bool) -> bytes:
    """The command set of a C-FIND response."""
    elements = element(0x0002, _FIND + b"\0") + element(0x0100, b"\x20\x80") + element(0x0120, b"\1\0")
    elements += element(0x0800, b"\0\0" if has_dataset else b"\1\1") + element(0x0900, struct.pack("<H", status))
    return element(0, struct.pack("<L", len(elements))) + elements


def study() -> bytes:
    """What a PACS tells of a study, implicit little endian."""
    answer = Dataset()
    answer.StudyInstanceUID, answer.PatientID, answer.PatientName = "1.2.3", "P-17", "Doe^Jane"
    answer.ModalitiesInStudy, answer.NumberOfStudyRelatedInstances, answer.StudyDate = ["CT", "SR"], 12, "20240311"
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = True, True
    write_dataset(stream, answer)
    return stream.getvalue()


def found() -> list[bytes]:
    """The PDUs of an honest search: one study, the end."""
    return [
        pdu(4, value(1, 3, response(0xFF00, has_dataset=True))),
        pdu(4, value(1, 2, study())),
        pdu(4, value(1, 3, response(0, has_dataset=False))),
    ]


def dimse_answers(rng: random.Random) -> tuple[str, bytes, bytes]:
    """What is done, what is said to the association request, and what to the search."""
    whole = b"".join(found())
    other = response(rng.randrange(65_536), has_dataset=False)
    odd: list[tuple[str, bytes, bytes]] = [
        ("honest", accepted(), whole),
        ("flipped acceptance", flipped(accepted(), rng), whole),
        ("flipped answer", accepted(), flipped(whole, rng)),
        ("flipped study", accepted(), found()[0] + pdu(4, value(1, 2, flipped(study(), rng))) + found()[2]),
        ("cut study", accepted(), found()[0] + pdu(4, value(1, 2, cut(study(), rng))) + found()[2]),
        ("cut answer", accepted(), cut(whole, rng)),
        ("cut acceptance", cut(accepted(), rng), b""),
        ("a PDU of 4 GB", struct.pack(">BBL", 2, 0, _HUGE) + bytes(5_000), b""),
        ("data of 4 GB", accepted(), struct.pack(">BBL", 4, 0, _HUGE) + bytes(5_000)),
        ("a rejection", pdu(3, bytes([0, rng.randrange(256), rng.randrange(256), rng.randrange(256)])), b""),
        ("a release", accepted(), RELEASE),
        ("a syntax nobody knows", accepted(b"1.2.840.00008.1.3"), whole),
        ("no maximum length", accepted(length=b""), whole),
        ("a syntax nobody proposed", accepted(b"1.2.840.10008.1.2.4.50"), whole),
        ("noise", rng.randbytes(200), b""),
        ("of two contexts", accepted(), whole.replace(b"\1\3", b"\3\3", 1)),
        ("another status", accepted(), found()[0] + found()[1] + pdu(4, value(1, 3, other))),
    ]  # fmt: skip
    return rng.choice(odd)


def asked(project: Any, **fields: Any) -> str:
    """A search at a node, and how it ended: `found`, or the sentence."""
    node = RemoteNode(project=project, name="EVIL", host="127.0.0.1", ae_title="EVIL", calling_ae_title="OVERREAD", **fields)
    try:
        studies, _ = module_of(node).find_studies(node, KEYS)
    except NodeFailed as failure:
        assert is_clear(str(failure)), str(failure)
        return str(failure)
    for one in studies:
        json.dumps([one.study_instance_uid, one.patient_name, one.modalities]).encode()
    return "found"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same waits as ever, a tenth as long."""
    monkeypatch.setattr(dimse_node, "_ANSWER_SECONDS", 1)


def test_what_a_dimse_node_answers_is_found_or_told(project: Any, quick: None, long_run: bool) -> None:
    rng, outcomes = random.Random(SEED), []
    with grows_less_than(MOST_MEMORY):
        for _ in range((IN_ALL if long_run else IN_THE_SUITE)["dimse"]):
            name, first, second = dimse_answers(rng)

            def says(line: socket.socket, first: bytes = first, second: bytes = second) -> None:
                line.recv(65_536)
                line.sendall(first)
                line.recv(65_536)
                line.sendall(second)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65_536):
                    pass

            with pacs(says) as port:
                started = time.monotonic()
                outcomes.append(asked(project, kind="dimse", port=port))
                assert time.monotonic() - started < LONGEST_WALL_S, name
                assert name != "honest" or outcomes[-1] == "found"
    print({one: outcomes.count(one) for one in sorted(set(outcomes))})


@pytest.mark.parametrize("syntax", [b"1.2.840.00008.1.3", b"1.2.840.10008.1.2.4.50", b"", b"no UID"])
def test_a_node_that_accepts_in_what_was_not_proposed_is_told_as_such(project: Any, quick: None, syntax: bytes) -> None:
    def says(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(accepted(syntax))
        while line.recv(65_536):
            line.sendall(b"".join(found()))

    with pacs(says) as port:
        assert asked(project, kind="dimse", port=port) == "It accepts in a transfer syntax that was not proposed to it."


def test_a_node_that_does_not_tell_its_longest_message_is_told_as_such(project: Any, quick: None) -> None:
    """Every node tells it (PS3.8 section D.1)."""

    def says(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(accepted(length=b""))
        while line.recv(65_536):
            line.sendall(b"".join(found()))

    with pacs(says) as port:
        assert asked(project, kind="dimse", port=port) == "It does not tell how long a message to it may be."


@pytest.mark.parametrize("told", [b"", accepted()[:3], accepted()[:50], accepted(), accepted() + found()[0][:20]])
def test_a_node_that_falls_silent_is_left_alone_in_time(project: Any, quick: None, told: bytes) -> None:
    over = threading.Event()

    def says(line: socket.socket) -> None:
        line.sendall(told)
        over.wait(LONGEST_WALL_S * 2)

    with pacs(says) as port:
        started, threads = time.monotonic(), threading.active_count()
        assert asked(project, kind="dimse", port=port) != "found"
        assert time.monotonic() - started < LONGEST_WALL_S
        while threading.active_count() > threads and time.monotonic() - started < LONGEST_WALL_S:
            time.sleep(0.05)
        assert threading.active_count() <= threads
        over.set()


def test_a_node_whose_answer_never_ends_takes_no_memory_without_end(project: Any, quick: None) -> None:
    sent = 0

    def says(line: socket.socket) -> None:
        nonlocal sent
        line.sendall(accepted() + found()[0])
        piece = pdu(4, value(1, 0, bytes(100_000)))
        while sent < 3 << 30:
            line.sendall(piece)
            sent += len(piece)

    with grows_less_than(300 << 20), pacs(says) as port:
        started = time.monotonic()
        assert asked(project, kind="dimse", port=port) != "found"
        assert time.monotonic() - started < 3 * LONGEST_WALL_S


def web_answers(rng: random.Random) -> tuple[str, bytes]:
    """What is done, and all that an HTTP server says."""
    told: Any = {"vr": "UI", "Value": ["1.2.3"]}
    answer = {"0020000D": told, "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}, "00201208": {"Value": [12]}}
    odd: list[Any] = [None, 5, "x", [], {}, [[]], [None], [{}], {"Value": 5}, {"Value": [{"Alphabetic": {"a": 1}}]}]
    odd.append({"Value": ["9" * 5_000]})
    name, body = "honest", json.dumps([answer]).encode()
    if rng.random() < 0.8:
        name, body = rng.choice(
            [
                ("flipped", flipped(body, rng)),
                ("cut", cut(body, rng)),
                ("odd values", json.dumps([answer | {rng.choice(list(answer)): rng.choice(odd)}]).encode()),
                ("odd answers", json.dumps([rng.choice(odd), answer]).encode()),
                ("odd document", json.dumps(rng.choice(odd)).encode()),
                ("deep", b"[" * 300_000),
                ("a number", b'[{"00201208": {"Value": [' + b"9" * 6_000 + b"]}}]"),
                ("no text", b'[{"00100020": {"Value": ["\\ud800\\u0000"]}}]'),
                ("endless", b"[" + b"[]," * 15_000_000),
            ]
        )
    length = rng.choice([b"%d" % len(body)] * 6 + [b"0", b"-1", b"x", b"%d" % (len(body) + 9), b"9" * 40])
    head = rng.choice([b"HTTP/1.1 200 OK"] * 8 + [b"HTTP/1.1 999 \xff", b"HTTP/9 x", b"", b"HTTP/1.1 302 F\r\nLocation: /"])
    fields = [b"X: " + b"y" * 70_000 + b"\r\n", b"X: y\r\n" * 300, b"\xff\xfe: \0\r\n", b"no colon\r\n"]
    more = rng.choice([b"", b"", b"", *fields])
    if rng.random() < 0.1:
        chunk = rng.choice([b"%x" % len(body), b"zz", b"-5", b"f" * 20])
        return f"{name}, chunked", head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + b"\r\n" + body
    return name, head + b"\r\n" + more + b"Content-Length: " + length + b"\r\n\r\n" + body


def test_what_a_dicomweb_node_answers_is_found_or_told(
    project: Any, settings: Any, long_run: bool, caplog: pytest.LogCaptureFixture
) -> None:
    settings.NODE_NETWORKS = ["127.0.0.0/8"]
    rng, outcomes = random.Random(SEED), []
    with grows_less_than(MOST_MEMORY):
        for _ in range((IN_ALL if long_run else IN_THE_SUITE)["dicomweb"]):
            name, whole = web_answers(rng)

            def says(line: socket.socket, whole: bytes = whole) -> None:
                line.recv(65_536)
                line.sendall(whole)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65_536):
                    pass

            with pacs(says) as port:
                started = time.monotonic()
                outcomes.append(asked(project, kind="dicomweb", base_url=f"http://127.0.0.1:{port}/dicom-web"))
                assert time.monotonic() - started < LONGEST_WALL_S, name
    print({one: outcomes.count(one) for one in sorted(set(outcomes))})
    assert "P-17" not in caplog.text
    assert "found" in outcomes


def test_a_body_that_comes_by_drops_is_not_waited_for(project: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.NODE_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(web_requests, "BODY_SECONDS", 2.0)

    def says(line: socket.socket) -> None:
        line.recv(65_536)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
        for _ in range(90):
            line.sendall(b" ")
            time.sleep(0.1)

    with pacs(says) as port:
        started = time.monotonic()
        assert "seconds" in asked(project, kind="dicomweb", base_url=f"http://127.0.0.1:{port}/dicom-web")
        assert time.monotonic() - started < LONGEST_WALL_S
