"""The web server's worker: a thread stays with a connection for a moment, and keeps nobody waiting for it."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

_THREADS = 2
_APPLICATION = """
import threading
def application(environ, start_response):
    body = str(threading.get_ident()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A gunicorn of few threads that answers with the thread's number."""
    folder = tmp_path_factory.mktemp("worker")
    (folder / "answering.py").write_text(_APPLICATION)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "answering:application", "--pythonpath", str(folder)]
    command += ["--bind", f"127.0.0.1:{number}", "--workers", "1", "--threads", str(_THREADS), "--keep-alive", "20"]
    command += ["--worker-class", "backend.config.web_worker.StayingThreadWorker"]
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", number), 1).close()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
        yield number
    finally:
        process.terminate()
        process.wait(20)


def _asked(connection: http.client.HTTPConnection) -> bytes:
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.read()


def test_requests_that_follow_at_once_are_answered_by_one_thread(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    threads = [_asked(connection) for _ in range(40)]
    changes = sum(one != other for one, other in zip(threads, threads[1:], strict=False))
    assert changes < 20  # a busy machine may let the moment pass


def test_kept_connections_hold_no_thread(port: int) -> None:
    with ExitStack() as stack:
        connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(4 * _THREADS)]
        for connection in connections:
            stack.callback(connection.close)
        for _ in range(3):
            for connection in connections:
                _asked(connection)


def test_requests_that_came_in_one_piece_and_a_wish_to_close_are_answered(port: int) -> None:
    first = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), 20) as raw:
        raw.sendall(first + first + last)
        received = b"".join(iter(lambda: raw.recv(1 << 16), b""))
    assert received.count(b"HTTP/1.1 200 OK") == 3
