"""A server process as its callers see it, and what each request takes of it."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.soak.limits import LONGEST_CPU_S, cpu_seconds, peak_memory
from tests.soak.request_mutants import Request

LONGEST_WALL_S = 20.0
"""Other programs run on this machine; what is judged is CPU time."""


class Door:
    """The web process as its callers see it, and what it takes."""

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self.address = (str(split.hostname), int(split.port or 0))
        self.most_memory, self.longest = 0, 0.0
        self.pids = listeners(self.address[1])

    def ask(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Status, header and body of the answer; the sender closes its side once everything is sent."""
        before = self._cpu()
        with socket.create_connection(self.address, timeout=LONGEST_WALL_S) as line:
            try:
                line.sendall(request.data)
                line.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it need not read to the end what it refuses
            received = _all_of(line)
        used = self._cpu() - before
        self.longest = max(self.longest, used)
        assert used < LONGEST_CPU_S, (request.name, used)
        self.most_memory = max(self.most_memory, *(peak_memory(pid) for pid in self._alive()))
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return (int(lines[0].split()[1]) if received else 0), headers, body

    def _alive(self) -> list[int]:
        return [pid for pid in _with_children(self.pids) if Path(f"/proc/{pid}/status").exists()]

    def _cpu(self) -> float:
        return sum(cpu_seconds(pid) for pid in self._alive())


def _all_of(line: socket.socket) -> bytes:
    received = bytearray()
    try:
        while piece := line.recv(1 << 16):
            received += piece
    except ConnectionResetError:
        pass  # what it has not read of us; the answer has come before
    return bytes(received)


def listeners(port: int) -> list[int]:
    """The processes whose command line says this port."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"127.0.0.1:%d" % port in words:
                found.append(int(entry.name))
    return found


def _with_children(pids: Iterable[int]) -> Iterator[int]:
    for pid in pids:
        yield pid
        try:
            tasks = list(Path(f"/proc/{pid}/task").iterdir())
            children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
        except OSError:
            continue
        yield from children - {*pids}
