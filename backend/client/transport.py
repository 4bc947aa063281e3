"""One operation of the API by its name: address, token, retries with growing pauses, errors as exceptions."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests

from .errors import OverreadError, Unreachable, error_of
from .schema import ADDRESSES, Operation

TIMEOUT: Final = (10.0, 120.0)
"""Seconds to connect, and between two pieces of an answer."""
LONGEST_PAUSE: Final = 30.0
PASSING: Final = frozenset({429, 502, 503, 504})
"""Answers that pass by themselves: too many requests, a server that restarts."""
SAFE_TO_REPEAT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "PATCH"})
"""Methods of this API that do the same when they are done twice; a POST is repeated only where it was not taken."""
NOT_TAKEN: Final = frozenset({429, 503})
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Transport:
    """A server's address and the session that is signed in there; may be used from several threads."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: int = 6,
        allow_http: bool = False,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no address of a server: https://… is expected.")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not allow_http:
            raise ValueError(f"{url} would send the token unencrypted. Use https, or say allow_http=True.")
        self.url = url.rstrip("/")
        self.retries = retries
        self._pause = pause
        self._session = requests.Session()
        self._session.auth = _bearer(token)
        self._session.headers["User-Agent"] = "overread-client/0.1"

    def call(self, operation: Operation, *, json: Any = None, query: Mapping[str, Any] | None = None, **place: Any) -> Any:
        """Do `operation`; `place` fills its address. The answer's document, None where there is none."""
        answer = self.send(operation, json=json, query=query, **place)
        return answer.json() if answer.content else None

    def send(
        self,
        operation: Operation,
        *,
        json: Any = None,
        data: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        **place: Any,
    ) -> requests.Response:
        """`call`, with the whole answer."""
        method, path = ADDRESSES[operation]
        address = path.format(**{name: quote(str(value), safe="") for name, value in place.items()})
        return self.request(method, address, json=json, data=data, query=query, headers=headers, stream=stream)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """One request below the server's address, repeated while its error is one that passes."""
        sent = dict(headers or {})
        if data is not None:
            sent.setdefault("Content-Type", "application/octet-stream")
        for attempt in range(self.retries + 1):
            last = attempt == self.retries
            try:
                answer = self._session.request(
                    method,
                    self.url + path,
                    json=json,
                    data=data,
                    params=query,
                    headers=sent,
                    stream=stream,
                    timeout=TIMEOUT,
                    allow_redirects=False,
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                if last or (method not in SAFE_TO_REPEAT and not _never_sent(error)):
                    raise Unreachable(f"{self.url} does not answer: {error}") from error
                self._pause(_delay(attempt))
                continue
            if answer.ok and not answer.is_redirect:
                return answer
            passing = PASSING if method in SAFE_TO_REPEAT else NOT_TAKEN
            if last or answer.status_code not in passing:
                raise _error(answer)
            answer.close()
            self._pause(_delay(attempt, answer.headers.get("Retry-After", "")))
        raise AssertionError("unreachable")


def _bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Puts the token into the header, whatever a .netrc says."""

    def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {token}"
        return request

    return signed


def _error(answer: requests.Response) -> OverreadError:
    if answer.is_redirect or answer.status_code // 100 == 3:
        told = f"The server sends elsewhere ({answer.headers.get('Location', '')}): give its own address."
        return OverreadError(told, status=answer.status_code)
    try:
        body = answer.json()
    except ValueError:
        body = None
    return error_of(answer.status_code, body)


def _never_sent(error: requests.RequestException) -> bool:
    """Whether no connection came about, so that the server cannot have done anything."""
    return isinstance(error, requests.exceptions.ConnectTimeout) or "Failed to establish a new connection" in str(error)


def _delay(attempt: int, asked: str = "") -> float:
    """Seconds before the next try: doubled each time, spread, or what the server asked for."""
    if asked.isdigit():
        return min(float(asked), 2 * LONGEST_PAUSE)
    return min(LONGEST_PAUSE, 0.5 * 2.0**attempt) * random.uniform(0.75, 1.25)
