"""Files from the server, written beside the target first and moved into place when they are whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import requests

from .errors import OverreadError, Unreachable
from .schema import Operation
from .transport import Transport

_PIECE: Final = 1024 * 1024
_TRIES: Final = 20

OnBytes = Callable[[int, int], None]
"""Told of (bytes here, bytes in all; 0 where the server does not say)."""


def download(
    transport: Transport,
    operation: Operation,
    target: Path,
    *,
    query: Mapping[str, Any] | None = None,
    on_bytes: OnBytes | None = None,
    **place: Any,
) -> Path:
    """The answer of an operation as a file; an answer that breaks off leaves no target."""
    part = _part(target)
    with transport.send(operation, query=query, stream=True, **place) as answer, part.open("wb") as file:
        _take(answer, file, 0, 0, on_bytes)
    part.replace(target)
    return target


def download_known(
    transport: Transport,
    operation: Operation,
    target: Path,
    *,
    size: int,
    sha256: str,
    on_bytes: OnBytes | None = None,
    **place: Any,
) -> Path:
    """A file of known size and SHA-256. What a broken transfer left is gone on from, also by a later call.

    OverreadError (code "digest") where the bytes are not those that the server named; they are thrown away.
    """
    part = _part(target)
    for _ in range(_TRIES):
        held = part.stat().st_size if part.exists() else 0
        if held >= size:
            break
        headers = {"Range": f"bytes={held}-", "If-Range": f'"{sha256}"'} if held else {}
        try:
            with transport.send(operation, headers=headers, stream=True, **place) as answer:
                goes_on = answer.status_code == requests.codes.partial_content
                with part.open("ab" if goes_on else "wb") as file:
                    _take(answer, file, held if goes_on else 0, size, on_bytes)
        except Unreachable:
            raise
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, requests.Timeout):
            continue
    _check(part, size, sha256)
    part.replace(target)
    return target


def _part(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return target.with_name(target.name + ".part")


def _take(answer: requests.Response, file: Any, held: int, size: int, on_bytes: OnBytes | None) -> None:
    for piece in answer.iter_content(_PIECE):
        file.write(piece)
        held += len(piece)
        if on_bytes is not None:
            on_bytes(held, size)
    file.flush()
    os.fsync(file.fileno())


def _check(part: Path, size: int, sha256: str) -> None:
    held = part.stat().st_size if part.exists() else 0
    if held < size:
        raise Unreachable(f"Only {held} of {size} bytes came through; call again to go on.")
    digest = hashlib.sha256()
    with part.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    if held != size or digest.hexdigest() != sha256:
        part.unlink()
        raise OverreadError("The file is not the one that the server named; it was thrown away.", code="digest")
