"""Peers that attack the receiver's port: each is let go soon, costs little, and nothing that was acknowledged is lost."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from backend.exchange.models import ImportItem
from tests.dimse.conftest import ct_project, empty_spool, receiver_process, wait_until  # noqa: F401
from tests.soak.association_mutants import Said, honest, request, said_by_peers
from tests.soak.limits import LONGEST_CPU_S, MOST_MEMORY, SEED, cpu_seconds, peak_memory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.timeout(7200)]

IN_THE_SUITE, IN_ALL = 200, 6_000
IDLE_SECONDS = 2
LONGEST_WALL_S = 15.0
"""Other programs run on this machine; what is judged is CPU time."""


def answer_to(port: int, said: Said) -> bytes:
    """What the receiver says until it closes."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WALL_S) as line:
        try:
            line.sendall(said.data)
            line.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            pass  # it need not hear to the end what it refuses
        with suppress(ConnectionError):
            while piece := line.recv(1 << 16):
                received += piece
    return bytes(received)


def pdus(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The PDUs of an answer; it holds nothing else."""
    while data:
        kind, _, length = struct.unpack_from(">BBL", data)
        assert 2 <= kind <= 7 and len(data) >= 6 + length, data[:80]
        yield kind, data[6 : 6 + length]
        data = data[6 + length :]


def is_kept(body: bytes) -> bool:
    """Whether a P-DATA is a C-STORE response of success."""
    return b"\0\0\0\1\2\0\0\0\1\x80" in body and b"\0\0\0\t\2\0\0\0\0\0" in body


def in_the_spool(folder: Path) -> int:
    """Objects that no import has yet."""
    return sum(1 for path in folder.rglob("*") if path.is_file() and path.suffix != ".json" and "incoming" not in path.parts)


def test_hostile_peers_end_their_own_association_and_nothing_else(
    receiver_process: Any,
    empty_spool: Path,
    tmp_path: Path,
    long_run: bool,
) -> None:
    process, port = receiver_process(OVERREAD_DICOM_IDLE_SECONDS=str(IDLE_SECONDS))
    kept, kinds, used, longest = 0, dict.fromkeys(range(2, 8), 0), cpu_seconds(process.pid), 0.0
    for said in said_by_peers(random.Random(SEED), IN_ALL if long_run else IN_THE_SUITE):
        for kind, body in pdus(answer_to(port, said)):
            kinds[kind] += 1
            kept += kind == 4 and is_kept(body)
        assert process.poll() is None, said.name
        now = cpu_seconds(process.pid)
        longest, used = max(longest, now - used), now
        assert longest < LONGEST_CPU_S, (said.name, longest)
        assert peak_memory(process.pid) < MOST_MEMORY, said.name
    print(kinds, "kept", kept, "longest", round(longest, 2), "memory", peak_memory(process.pid) >> 20)
    assert kinds[2] and kinds[3] and kinds[7] and kept
    assert b"Traceback" not in (log := (tmp_path / "receiver.log").read_bytes()), log[-3000:]
    wait_until(lambda: not list((empty_spool / "incoming").iterdir()))
    wait_until(lambda: in_the_spool(empty_spool) + ImportItem.objects.count() >= kept, 30)
    assert in_the_spool(empty_spool) + ImportItem.objects.count() >= kept


def test_slow_and_silent_peers_are_let_go_and_hold_up_nobody(receiver_process: Any) -> None:
    _, port = receiver_process(OVERREAD_DICOM_IDLE_SECONDS=str(IDLE_SECONDS))
    held = [socket.create_connection(("127.0.0.1", port), timeout=LONGEST_WALL_S) for _ in range(12)]
    for number, line in enumerate(held):
        line.sendall(request()[: [0, 3, 70, 9_999][number % 4]])
    started = time.monotonic()
    assert any(is_kept(body) for kind, body in pdus(answer_to(port, Said("honest", honest(1)))) if kind == 4)
    assert time.monotonic() - started < LONGEST_CPU_S
    deadline = time.monotonic() + 3 * IDLE_SECONDS + 5
    with suppress(OSError):
        while time.monotonic() < deadline:  # a byte now and then keeps nobody
            held[1].sendall(b"\0")
            time.sleep(0.3)
    for line in held:
        with suppress(ConnectionError):
            while line.recv(1 << 16):
                pass
        line.close()
    assert time.monotonic() < deadline + 1
