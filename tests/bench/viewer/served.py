"""The product as the supervisor starts its web server, on a prepared data folder, with peers' pages on further ports."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Served:
    """Running processes and how to reach them."""

    origin: str
    peers: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def stop(self) -> None:
        """End what was started, the web server first."""
        for process in self.processes:
            process.terminate()
            process.wait(20)


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(folder: Path, peers: dict[str, Path]) -> Served:
    """Valkey and gunicorn; returns when the product answers."""
    from django.conf import settings

    from backend.config.product import valkey_binary, web

    Path(settings.VALKEY_SOCKET).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    broker = subprocess.Popen(
        [valkey_binary(), "--port", "0", "--unixsocket", str(settings.VALKEY_SOCKET), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    ports = {name: free_port() for name in peers}
    port = free_port()
    service = web("127.0.0.1", port, folder)
    command = [
        "tests.bench.viewer.pages:application" if part.endswith("wsgi:application") else part for part in service.command
    ]
    for other in ports.values():
        command += ["--bind", f"127.0.0.1:{other}"]
    environment = {**os.environ, **service.environment}
    environment["BENCH_PEERS"] = os.pathsep.join(f"{ports[name]}={pages}" for name, pages in peers.items())
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    served = Served(
        f"http://127.0.0.1:{port}", {name: f"http://127.0.0.1:{other}" for name, other in ports.items()}, [process, broker]
    )
    _wait(f"{served.origin}/healthz")
    return served


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def session_of(user: Any) -> str:
    """A session made in the database: what is measured is not the password's hash."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    from backend.accounts.signed_in import SessionStore, SignedInBackend

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = f"{SignedInBackend.__module__}.{SignedInBackend.__qualname__}"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)
