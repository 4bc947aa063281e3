"""What can go wrong, with the server's own sentence."""

from __future__ import annotations

from typing import Any


class OverreadError(Exception):
    """The server answered with an error: `status`, `code` (for programs), its sentence, and the whole `body`."""

    def __init__(self, message: str, *, status: int = 0, code: str = "", body: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.body = body


class Unreachable(OverreadError):
    """No answer after all retries: the network, a server that restarts."""


class Refused(OverreadError):
    """400: what was sent cannot be used."""


class Unsigned(OverreadError):
    """401: the token is unknown, expired or revoked."""


class Forbidden(OverreadError):
    """403: role or scopes do not include this."""


class NotFound(OverreadError):
    """404: it is not there, or not for this caller."""


class Conflict(OverreadError):
    """409: not in this state; `code` says why, `body` what there is."""


_OF_STATUS = {400: Refused, 401: Unsigned, 403: Forbidden, 404: NotFound, 409: Conflict}


def error_of(status: int, body: Any) -> OverreadError:
    """The exception that an answer stands for."""
    code = body.get("code", "") if isinstance(body, dict) else ""
    return _OF_STATUS.get(status, OverreadError)(_sentence(status, body), status=status, code=str(code), body=body)


def _sentence(status: int, body: Any) -> str:
    """The server's words: `detail`, else what it says of each field."""
    if isinstance(body, dict):
        if isinstance(body.get("detail"), str):
            return str(body["detail"])
        words = [f"{field}: {_words(said)}" for field, said in body.items() if field != "code"]
        if words:
            return "; ".join(words)
    if isinstance(body, list) and body:
        return _words(body)
    return f"The server answered with status {status}."


def _words(said: Any) -> str:
    if isinstance(said, list):
        return " ".join(_words(one) for one in said)
    if isinstance(said, dict):
        return "; ".join(f"{field}: {_words(one)}" for field, one in said.items())
    return str(said)
