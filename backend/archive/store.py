"""The object store: frames, masks, weights and thumbnails as immutable objects in a folder or in S3 (obstore)."""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import obstore
import obstore.exceptions
from django.conf import settings
from obstore.store import ObjectStore, from_url

_MAX_KEY: Final = 400
_NO_ROOM_ERRORS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_ROOM: Final = re.compile(rf"\(os error ({errno.ENOSPC}|{errno.EDQUOT}|{errno.EFBIG})\)")
"""obstore keeps the number of the system's error only in the text: no space, over quota, file larger than allowed."""
_FULL: Final = "There is no room left to store anything"
_COPIED_BYTES: Final = 1 << 20
_VERBATIM: Final = re.compile(r"[A-Za-z0-9/_.-]+")


class StoreFull(OSError):
    """The disk under the object store, or the quota on it, is full."""


@cache
def _store_at(url: str) -> ObjectStore:
    """The store of a URL; one per process, since it holds its connections."""
    if url.startswith("file:"):
        return from_url(url, mkdir=True)
    return from_url(url)


def _store() -> ObjectStore:
    return _store_at(settings.OBJECT_STORE_URL)


def _checked(key: str) -> str:
    """The key itself; a key that could leave the store, or that is empty, is a programming error."""
    parts = key.split("/")
    if not key or len(key) > _MAX_KEY or any(part in ("", ".", "..") for part in parts) or "\\" in key or "\0" in key:
        raise ValueError(f"Not an object key: {key!r}")
    return key


def put_object(*, key: str, data: bytes) -> None:
    """Write an object whole; whoever reads it sees the old bytes or the new ones, never a part. StoreFull without room.

    It outlives a loss of power: in a folder it lies on the disk when this returns, before a row names it.
    """
    _put(key, data)


def put_file(*, key: str, path: Path) -> None:
    """Write a file as an object, in pieces where it is large; durable and StoreFull as in `put_object`."""
    _put(key, path)


def _put(key: str, data: bytes | Path) -> None:
    with ObjectGroup() as group:
        group.write(key=key, data=data)
        group.synchronise()
        group.publish([key])


class ObjectGroup:
    """Objects that are written one by one and become durable together: they wait for the disk once.

    `write` them, `synchronise`, then `publish` those that a row is about to name. Used as a context: what was not published
    is gone at its end, and nobody ever saw it. (A bucket has no such middle: there an object is seen once it is written.)
    """

    def __init__(self) -> None:
        self._staged: dict[str, str] = {}
        self._folders: dict[str, list[str]] = {}
        self._visible: set[str] = set()

    def __enter__(self) -> ObjectGroup:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was not published."""
        for key in list(self._staged):
            self._discard(key)

    def _discard(self, key: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(self._staged.pop(key))

    def write(self, *, key: str, data: bytes | Path) -> None:
        """Take an object; StoreFull without room."""
        file = _file(key)
        with _told_when_full():
            if file is None:
                _put_through_store(key, data)
                self._visible.add(key)
                return
            self._folders[key] = [os.path.dirname(file), *_missing_folders(_folder(), key)]
            os.makedirs(os.path.dirname(file), exist_ok=True)
            if key in self._staged:
                self._discard(key)
            # The name that obstore would give it: it lists no such file as an object.
            self._staged[key] = f"{file}#{uuid.uuid4().int}"
            try:
                _write_file(self._staged[key], data)
            except OSError:
                self._discard(key)
                raise

    def write_new(self, *, key: str, data: bytes | Path) -> None:
        """Take an object that is named by its content, and may be here already; StoreFull without room."""
        file = _file(key)
        if key in self._staged or (file is None and has_object(key)):
            return
        if file is not None and _size(file) == (_size(str(data)) if isinstance(data, Path) else len(data)):
            self._folders[key] = [os.path.dirname(file)]  # whoever wrote it may be about to synchronise it
            return
        self.write(key=key, data=data)

    def is_visible(self, key: str) -> bool:
        """Whether an object that was written here could be seen at once: it stays unless it is deleted."""
        return key in self._visible

    def synchronise(self) -> None:
        """Have the disk hold what was written; StoreFull where it does not take it."""
        with _told_when_full():
            for staged in self._staged.values():
                synchronise(staged)

    def publish(self, keys: Collection[str]) -> None:
        """Let these be seen under their names, and have the disk hold the names."""
        for key in keys:
            if (staged := self._staged.pop(key, None)) is not None:
                os.replace(staged, f"{_folder()}/{key}")
        with _told_when_full():
            for folder in dict.fromkeys(folder for key in keys for folder in self._folders.pop(key, ())):
                synchronise(folder)


def _write_file(name: str, data: bytes | Path) -> None:
    with open(name, "xb", buffering=0) as opened:
        if isinstance(data, Path):
            with data.open("rb") as source:
                shutil.copyfileobj(source, opened, _COPIED_BYTES)
            return
        left = memoryview(data)
        while left:
            left = left[opened.write(left) :]


def _size(file: str) -> int:
    try:
        return os.path.getsize(file)
    except FileNotFoundError:
        return -1


@contextmanager
def _told_when_full() -> Iterator[None]:
    try:
        yield
    except obstore.exceptions.GenericError as error:
        if _NO_ROOM.search(str(error)):
            raise StoreFull(errno.ENOSPC, _FULL) from error
        raise
    except OSError as error:
        if error.errno in _NO_ROOM_ERRORS and not isinstance(error, StoreFull):
            raise StoreFull(errno.ENOSPC, _FULL) from error
        raise


def _put_through_store(key: str, data: bytes | Path) -> None:
    obstore.put(_store(), _checked(key), data)
    if _folder_at(settings.OBJECT_STORE_URL) is not None:
        os.sync()  # Under what name the store wrote it is the store's affair.


def _folder() -> str:
    folder = _folder_at(settings.OBJECT_STORE_URL)
    assert folder is not None
    return folder


def _missing_folders(folder: str, key: str) -> list[str]:
    """The folders that get a new entry when the object is written, the nearest first, but for the object's own."""
    gaining, parent = [], os.path.dirname(f"{folder}/{key}")
    while len(parent) > len(folder) and not os.path.isdir(parent):
        parent = os.path.dirname(parent)
        gaining.append(parent)
    return gaining


def synchronise(path: str | Path) -> None:
    """Have the disk hold a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def _folder_at(url: str) -> str | None:
    """The folder of a store that is one."""
    return unquote(urlsplit(url).path).rstrip("/") if url.startswith("file:") else None


def _file(key: str) -> str | None:
    """The object's file, where the store is a folder and the key is written there as it is.

    Read directly, a frame costs a third of what it costs through the store: no thread is asked, nothing is copied twice.
    """
    folder = _folder_at(settings.OBJECT_STORE_URL)
    return f"{folder}/{_checked(key)}" if folder is not None and _VERBATIM.fullmatch(key) else None


def get_object(key: str) -> bytes:
    """All bytes of an object; FileNotFoundError if there is none."""
    file = _file(key)
    if file is not None:
        with open(file, "rb", buffering=0) as opened:
            return opened.readall()
    return bytes(obstore.get(_store(), _checked(key)).bytes())


def get_range(key: str, offset: int, length: int) -> bytes:
    """`length` bytes of an object from `offset` on; FileNotFoundError if there is none, OSError if it is too short."""
    if length == 0:
        return b""
    file = _file(key)
    if file is None:
        return bytes(obstore.get_range(_store(), _checked(key), start=offset, length=length))
    opened = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.pread(opened, length, offset)
    finally:
        os.close(opened)
    if len(data) != length:
        raise OSError(f"The object {key} ends before byte {offset + length}.")
    return data


def read_pieces(key: str, offset: int, length: int, piece: int = 1 << 20) -> Iterator[bytes]:
    """`length` bytes of an object from `offset` on, a piece at a time; errors as in `get_range`."""
    end = offset + length
    while offset < end:
        taken = min(piece, end - offset)
        yield get_range(key, offset, taken)
        offset += taken


def has_object(key: str) -> bool:
    """Whether the object is there."""
    file = _file(key)
    if file is not None:
        return os.path.isfile(file)
    try:
        obstore.head(_store(), _checked(key))
    except FileNotFoundError:
        return False
    return True


def delete_object(key: str) -> None:
    """Remove an object; nothing happens if there is none."""
    try:
        obstore.delete(_store(), _checked(key))
    except FileNotFoundError:
        return
