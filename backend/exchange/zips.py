"""Looks into a zip archive without being hurt by it: names, links, nesting, sizes that lie, bombs."""

from __future__ import annotations

import io
import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from backend.dicom.refusal import Refused

MAX_ENTRIES: Final = 200_000
MAX_DIRECTORY_BYTES: Final = 24 * 1024**2
"""Of the central directory, which is held in memory: some fifteen times its size."""
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


class _BoundedFile(io.BufferedReader):
    """A file of which no more is read at once than a directory may have: ZipFile believes what the archive says of it."""

    def read(self, size: int | None = -1, /) -> bytes:
        """At most `size` bytes, without it all that are left; Refused where that is too much at once."""
        left = max(os.fstat(self.fileno()).st_size - self.tell(), 0)
        if (left if size is None or size < 0 else min(size, left)) > MAX_DIRECTORY_BYTES:
            raise Refused(f"The directory of the zip archive is larger than {MAX_DIRECTORY_BYTES >> 20} MB.")
        return super().read(size)


@dataclass
class _Held:
    """The archives that a process keeps open, and which one that is: a copy of it must not share their descriptors."""

    pid: int
    stack: ExitStack
    archives: dict[Path, zipfile.ZipFile] = field(default_factory=dict)


_of_thread = threading.local()


@contextmanager
def held_archives() -> Iterator[None]:
    """For the time of the block archives stay open once they are: each opening reads the whole directory."""
    with ExitStack() as stack:
        before = getattr(_of_thread, "held", None)
        _of_thread.held = _Held(os.getpid(), stack)
        try:
            yield
        finally:
            _of_thread.held = before


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    held: _Held | None = getattr(_of_thread, "held", None)
    if held is None or held.pid != os.getpid():
        with ExitStack() as stack:
            yield opened_archive(path, stack)
        return
    if path not in held.archives:
        held.archives[path] = opened_archive(path, held.stack)
    yield held.archives[path]


def opened_archive(path: Path, stack: ExitStack) -> zipfile.ZipFile:
    """An archive, open until the stack ends; raises what ZipFile does, Refused for a directory that is too large."""
    with ExitStack() as own:
        file = own.enter_context(_BoundedFile(io.FileIO(path)))
        archive = own.enter_context(zipfile.ZipFile(file))
        stack.push(own.pop_all())
    return archive


def zip_entries(path: Path) -> list[ZipEntry]:
    """The files of an archive, each judged by its directory entry; Refused if the archive is unusable as a whole."""
    try:
        with _archive(path) as archive:
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


def extract_entry(path: Path, name: str, target: Path, opened: zipfile.ZipFile | None = None) -> None:
    """Write one file of the archive to `target`, counting what really comes out; Refused if it lies or bursts.

    `opened` is the archive where the caller has it open.
    """
    try:
        with _archive(path) if opened is None else nullcontext(opened) as archive:
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
