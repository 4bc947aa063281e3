"""The object store: frames, masks, weights and thumbnails as immutable objects in a folder or in S3 (obstore)."""

from __future__ import annotations

from functools import cache
from typing import Final

import obstore
from django.conf import settings
from obstore.store import ObjectStore, from_url

_MAX_KEY: Final = 400


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
    """Write an object whole; whoever reads it sees the old bytes or the new ones, never a part."""
    obstore.put(_store(), _checked(key), data)


def get_object(key: str) -> bytes:
    """All bytes of an object; FileNotFoundError if there is none."""
    return bytes(obstore.get(_store(), _checked(key)).bytes())


def get_range(key: str, offset: int, length: int) -> bytes:
    """`length` bytes of an object from `offset` on; FileNotFoundError if there is none."""
    if length == 0:
        return b""
    return bytes(obstore.get_range(_store(), _checked(key), start=offset, length=length))


def has_object(key: str) -> bool:
    """Whether the object is there."""
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
