"""WSGI application of the viewer bench: on its first port the product; on others the pages of a peer around the same
DICOMweb, so that every viewer is served by the very same processes.

BENCH_PEERS names them: `<port>=<folder>`, separated by the path separator.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from whitenoise import WhiteNoise

from backend.config.wsgi import application as product

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def around(folder: Path) -> Application:
    """The pages of a folder, our DICOMweb below `/dicom-web/`, and `index.html` for all other addresses."""
    index = (folder / "index.html").read_bytes()

    def fallback(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/dicom-web/"):
            return product(environ, start_response)
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(index)))])
        return [index]

    return WhiteNoise(fallback, root=folder, max_age=60)


_PEERS = {
    port: around(Path(folder))
    for port, _, folder in (peer.partition("=") for peer in os.environ["BENCH_PEERS"].split(os.pathsep))
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The application of the port that was called."""
    return _PEERS.get(environ["SERVER_PORT"], product)(environ, start_response)
