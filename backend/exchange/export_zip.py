"""An export as one zip archive: written while its files are made, each entry counted and hashed for the manifest."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, Final

from backend.exchange.formats.family import ExportFile
from backend.exchange.outbox import Outbox

# No file's time is told: the same readings give the same entries.
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_PACKED_ALREADY: Final = (".png", ".gz", ".dcm", ".jpg")
MANIFEST: Final = "manifest.json"

Entry = dict[str, Any]


def zip_pieces(files: Iterator[ExportFile], manifest: Callable[[list[Entry]], dict[str, Any]]) -> Iterator[bytes]:
    """The archive in pieces; at its end `manifest.json`, made of the entries of all files before it: path, bytes,
    sha256, and `image` of those that are an image alongside.

    ValueError for two files of one path: the second would hide the first.
    """
    outbox = Outbox()
    entries: list[Entry] = []
    paths: set[str] = {MANIFEST}
    with zipfile.ZipFile(outbox, "w", allowZip64=True) as archive:
        for file in files:
            if file.path in paths:
                raise ValueError(f"two files of an export are called {file.path}")
            paths.add(file.path)
            entry: Entry = {"path": file.path, "bytes": 0, "sha256": "", **({"image": True} if file.is_image else {})}
            yield from _entry_pieces(archive, outbox, file, entry)
            entries.append(entry)
        text = json.dumps(manifest(entries), ensure_ascii=False, indent=1).encode()
        archive.writestr(zipfile.ZipInfo(MANIFEST, _DATE), text, zipfile.ZIP_DEFLATED)
    yield outbox.take()


def _entry_pieces(archive: zipfile.ZipFile, outbox: Outbox, file: ExportFile, entry: Entry) -> Iterator[bytes]:
    info = zipfile.ZipInfo(file.path, _DATE)
    info.compress_type = zipfile.ZIP_STORED if file.path.endswith(_PACKED_ALREADY) else zipfile.ZIP_DEFLATED
    digest = hashlib.sha256()
    # The size is not known beforehand where the pieces are still being made: room for 64 bits is kept.
    with archive.open(info, "w", force_zip64=True) as sink:
        for piece in file.pieces:
            digest.update(piece)
            entry["bytes"] += len(piece)
            sink.write(piece)
            if made := outbox.take():
                yield made
    entry["sha256"] = digest.hexdigest()
    if made := outbox.take():
        yield made
