"""One attempt to deliver: signed as Standard Webhooks 1.0 has it, to the judged address, no redirects, one deadline."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from backend.webhooks.addresses import AddressRefused, Target, resolve

SECRET_PREFIX: Final = "whsec_"
LONGEST_ANSWER: Final = 4 * 1024
SNIPPET: Final = 500


@dataclass(frozen=True)
class Answer:
    """What came of an attempt: `status` is None where there was no answer, `text` its beginning or the reason."""

    status: int | None
    text: str
    seconds: float

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more (410)."""
        return self.status == 410


def signature(*, secret: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature`: v1 and the base64 of HMAC-SHA256 over id, timestamp and body, joined by dots."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(*, url: str, secret: str, delivery_id: str, body: bytes) -> Answer:
    """Post the body once; what goes wrong is told in the answer."""
    started = time.monotonic()
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Overread-Webhooks/1",
        "Connection": "close",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret=secret, delivery_id=delivery_id, timestamp=timestamp, body=body),
    }
    try:
        target = resolve(url)
        status, text = _post(target, headers, body)
    except AddressRefused as refused:
        return Answer(None, str(refused)[:SNIPPET], time.monotonic() - started)
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, _why(error, time.monotonic() - started)[:SNIPPET], time.monotonic() - started)
    if 300 <= status < 400:
        text = "The receiver sends elsewhere; a webhook follows no redirects."
    return Answer(status, text, time.monotonic() - started)


def _why(error: Exception, seconds: float) -> str:
    if seconds >= settings.WEBHOOK_SECONDS or isinstance(error, TimeoutError):
        return f"No answer within {settings.WEBHOOK_SECONDS:g} seconds."
    if isinstance(error, ssl.SSLError):
        return f"The encrypted connection failed: {error.reason or error}."
    return f"No answer: {error or type(error).__name__}."


class _JudgedConnection(http.client.HTTPConnection):
    """Connects to the address that was judged, whatever the name says by now."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target = target
        # http.client lets go of its socket once the answer has begun; the deadline must reach it still.
        self.wire: socket.socket | None = None

    def connect(self) -> None:
        """Open the connection, encrypted where the address says so."""
        self.sock = socket.create_connection((self._target.address, self._target.port), self.timeout)
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host, do_handshake_on_connect=False)
        self.wire = self.sock
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()


def _post(target: Target, headers: dict[str, str], body: bytes) -> tuple[int, str]:
    seconds = settings.WEBHOOK_SECONDS
    connection = _JudgedConnection(target, seconds)

    def cut_off() -> None:
        # A receiver that sends a byte now and then would outlast a timeout that counts the time between two of them.
        if connection.wire is not None:
            with contextlib.suppress(OSError):
                connection.wire.shutdown(socket.SHUT_RDWR)

    deadline = threading.Timer(seconds, cut_off)
    deadline.start()
    try:
        connection.request("POST", target.path, body=body, headers={"Host": target.host_header, **headers})
        answer = connection.getresponse()
        text = answer.read(LONGEST_ANSWER).decode("utf-8", "replace").replace("\0", "")
        return answer.status, text[:SNIPPET]
    finally:
        deadline.cancel()
        connection.close()
