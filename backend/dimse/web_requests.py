"""HTTP to the URL that a lead has named: to allowed addresses only, following no redirect, under a limit of time and bytes.

The address is looked at once the connection stands and before anything is sent, so a name that changes what it stands for
between a check and its use gains nothing.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

from backend.dicom.refusal import Refused
from backend.dimse.addresses import plain_address, require_web_address
from backend.dimse.remote import NodeFailed

# It writes addresses into the log, and a query names patients; what fails is told by NodeFailed.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
BODY_SECONDS = 60.0
PIECE: Final = 1 << 17


class AddressRefused(HTTPError):
    """The name stands for an address that may not be talked to."""


def _checked(connected: socket.socket) -> socket.socket:
    try:
        require_web_address(plain_address(str(connected.getpeername()[0])))
    except Refused as refusal:
        connected.close()
        raise AddressRefused(str(refusal)) from refusal
    return connected


class _CheckedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _CheckedSecureConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls: ClassVar[Any] = _CheckedConnection  # type: ignore[misc]


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls: ClassVar[Any] = _CheckedSecureConnection  # type: ignore[misc]


def checked_url(text: str) -> str:
    """A base URL without a slash at its end; Refused unless it is http or https to a host, without credentials or query."""
    url = text.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Refused(f"Not a URL: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("A URL begins with https:// or http:// and names a host.")
    if parts.username or parts.password or parts.query or parts.fragment or port == 0:
        raise Refused("A URL here has no user name, password, query or fragment.")
    return url


@contextmanager
def web_answer(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Iterator[BaseHTTPResponse]:
    """The answer to a request, its body still to be read; NodeFailed where there is none, or it redirects."""
    manager = PoolManager(retries=False, timeout=Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS))
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
    sent = {"Accept-Encoding": "identity", "User-Agent": "Overread", **headers}
    try:
        answer = manager.request(
            method, url, headers=sent, body=body, redirect=False, preload_content=False, decode_content=False
        )  # fmt: skip
    except AddressRefused as error:
        raise NodeFailed(str(error)) from error
    except NewConnectionError as error:
        raise NodeFailed("It cannot be reached at this URL.") from error
    except ProtocolError as error:
        raise NodeFailed("What it answers is no HTTP, or it closes the connection at once.") from error
    except HTTPError as error:
        raise NodeFailed(f"It cannot be reached ({type(error).__name__}).") from error
    try:
        if 300 <= answer.status < 400:
            raise NodeFailed("It redirects elsewhere; that is not followed. Enter the URL it leads to.")
        yield answer
    except HTTPError as error:
        raise NodeFailed(f"It broke off its answer ({type(error).__name__}).") from error
    finally:
        answer.close()
        manager.clear()


def whole_body(answer: BaseHTTPResponse, limit: int) -> bytes:
    """The body; NodeFailed where it is longer than `limit` bytes, or takes longer than BODY_SECONDS."""
    data, deadline = bytearray(), time.monotonic() + BODY_SECONDS
    while piece := answer.read1(PIECE):
        data += piece
        if len(data) > limit:
            raise NodeFailed(f"Its answer has more than {limit >> 20} MB.")
        if time.monotonic() > deadline:
            raise NodeFailed(f"Its answer took more than {BODY_SECONDS:.0f} seconds.")
    return bytes(data)
