"""A receiver on loopback that answers as told, and remembers what came."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Received:
    """One request: its headers (lower case), body and path."""

    headers: dict[str, str]
    body: bytes
    path: str


class Receiver:
    """Answers each request with the next of `answers` (status, body, seconds to wait), then with 200."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, float]] = []
        self.location = ""
        self.drip = False
        self.received: list[Received] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.received.append(Received(headers, body, self.path))
                status, text, wait = outer.answers.pop(0) if outer.answers else (200, b"ok", 0.0)
                time.sleep(wait)
                try:
                    self.send_response(status)
                    if outer.location:
                        self.send_header("Location", outer.location)
                    self.end_headers()
                    while outer.drip:
                        self.wfile.write(b".")
                        time.sleep(0.05)
                    self.wfile.write(text)
                except OSError:
                    pass  # The sender did not wait.

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.drip = False
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def loopback_allowed(settings: Any) -> None:
    """As an operator does who runs the receiver beside the product."""
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    settings.WEBHOOK_SECONDS = 1.0
