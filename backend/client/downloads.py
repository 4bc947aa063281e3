"""Files from the server, written beside the target first and moved into place when they are whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from .schema import Operation
from .transport import Transport

_PIECE: Final = 1024 * 1024


def download(
    transport: Transport,
    operation: Operation,
    target: Path,
    *,
    query: Mapping[str, Any] | None = None,
    on_bytes: Callable[[int], None] | None = None,
    **place: Any,
) -> Path:
    """The answer of an operation as a file; an answer that breaks off leaves no target."""
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with transport.send(operation, query=query, stream=True, **place) as answer, part.open("wb") as file:
        written = 0
        for piece in answer.iter_content(_PIECE):
            file.write(piece)
            written += len(piece)
            if on_bytes is not None:
                on_bytes(written)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    return target
