"""Looks into a zip archive without being hurt by it: names, links, nesting, sizes that lie, bombs."""

from __future__ import annotations

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.dicom.refusal import Refused

MAX_ENTRIES: Final = 10_000
MAX_ENTRY_BYTES: Final = 2 * 1024**3
MAX_TOTAL_BYTES: Final = 64 * 1024**3
MAX_RATIO: Final = 200
_RATIO_COUNTS_FROM: Final = 16 * 1024**2  # a black image of a few megabytes packs better than any bomb
_PIECE: Final = 1 << 18
_ENCRYPTED: Final = 0x1
_PACKINGS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_SYSTEM_FILES: Final = ("__MACOSX/", ".DS_Store", "Thumbs.db")


@dataclass(frozen=True)
class ZipEntry:
    """A file inside a zip. `refusal` says why it cannot be used, empty if it can be tried."""

    name: str
    size: int
    refusal: str = ""


def is_zip(path: Path) -> bool:
    """Whether a file starts as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def zip_entries(path: Path) -> list[ZipEntry]:
    """The files of an archive, each judged by its directory entry; Refused if the archive is unusable as a whole."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if not info.is_dir() and not _is_system_file(info.filename)]
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise Refused("Damaged: the zip archive cannot be read.") from error
    if len(found) > MAX_ENTRIES:
        raise Refused(f"The zip archive holds {len(found)} files; the limit is {MAX_ENTRIES}.")
    if sum(info.file_size for info in found) > MAX_TOTAL_BYTES:
        raise Refused(f"The zip archive unpacks to more than {MAX_TOTAL_BYTES >> 30} GB.")
    seen: set[str] = set()
    entries = []
    for info in found:
        refusal = _refusal(info) or ("The zip archive holds two files of this name." if info.filename in seen else "")
        seen.add(info.filename)
        entries.append(ZipEntry(info.filename, info.file_size, refusal))
    return entries


def extract_entry(path: Path, name: str, target: Path) -> None:
    """Write one file of the archive to `target`, counting what really comes out; Refused if it lies or bursts."""
    try:
        with zipfile.ZipFile(path) as archive:
            info = archive.getinfo(name)
            limit = _allowed_bytes(info)
            received = 0
            with archive.open(info) as source, target.open("wb") as sink:
                while piece := source.read(_PIECE):
                    received += len(piece)
                    if received > limit:
                        raise Refused("The zip archive lies about this file's size, or it is a bomb.")
                    sink.write(piece)
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        zlib.error,
    ) as error:
        raise Refused("Damaged: this file cannot be unpacked from the zip archive.") from error
    if received != info.file_size:
        raise Refused("Damaged: this file is shorter than the zip archive says.")


def entry_head(archive: zipfile.ZipFile, name: str, count: int) -> bytes:
    """The first `count` bytes of a file of an open archive; nothing where it cannot be unpacked."""
    try:
        with archive.open(name) as source:
            return source.read(count)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, KeyError, RuntimeError, zlib.error):
        return b""


def _allowed_bytes(info: zipfile.ZipInfo) -> int:
    return min(info.file_size, MAX_ENTRY_BYTES, max(info.compress_size * MAX_RATIO, _RATIO_COUNTS_FROM))


def _is_system_file(name: str) -> bool:
    return name.startswith(_SYSTEM_FILES[0]) or name.rsplit("/", 1)[-1] in _SYSTEM_FILES[1:]


def _refusal(info: zipfile.ZipInfo) -> str:
    """Why an entry is not unpacked, judged before its bytes are touched."""
    return _name_refusal(info) or _content_refusal(info)


def _name_refusal(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    if "\0" in name:
        return "Its name in the zip archive holds a NUL character."
    if name.startswith(("/", "\\")) or name[1:2] == ":" or ".." in name.replace("\\", "/").split("/"):
        return "Its name in the zip archive points outside the archive."
    if len(name) > 480:
        return "Its name in the zip archive is too long."
    return ""


def _content_refusal(info: zipfile.ZipInfo) -> str:
    if stat.S_ISLNK(info.external_attr >> 16):
        return "A link, not a file."
    if info.flag_bits & _ENCRYPTED:
        return "Encrypted: unpack the zip archive yourself."
    if info.compress_type not in _PACKINGS:
        return "Packed in a way that is not supported."
    if info.filename.lower().endswith(".zip"):
        return "A zip archive inside another one: unpack it first."
    if info.file_size > MAX_ENTRY_BYTES:
        return f"Too big: {info.file_size >> 20} MB, the limit is {MAX_ENTRY_BYTES >> 20} MB."
    if info.file_size > _RATIO_COUNTS_FROM and info.file_size > info.compress_size * MAX_RATIO:
        return f"It would unpack to {MAX_RATIO} times its size or more: a bomb."
    return ""
