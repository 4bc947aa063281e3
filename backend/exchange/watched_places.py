"""Where files are watched: folders below roots that the operator named, and buckets at endpoints that he named.

Nothing here follows a symbolic link, and a folder is judged again at every look, by where it really lies.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import obstore
import obstore.exceptions
from django.conf import settings
from obstore.store import S3Store

from backend.accounts.sealed_secrets import SecretLost, open_secret
from backend.dicom.refusal import Refused
from backend.exchange.models import WatchedKind, WatchedSource

if TYPE_CHECKING:
    from obstore.store import S3Config

PURPOSE: Final = "watched sources"
AWS: Final = "aws"
UNFINISHED: Final = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart", "~")
"""Endings under which other programs write what is not yet whole."""
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}")


class Unreachable(Exception):
    """The place cannot be looked at now; what is known of its files stays as it is."""


class Changed(Exception):
    """The file is not the one that was seen any more."""


@dataclass(frozen=True)
class Seen:
    """A file as it is now: its name below the source, its bytes, and what tells this content from another."""

    name: str
    size: int
    stamp: str


class Place(Protocol):
    """A folder or a bucket prefix."""

    writes_whole: bool

    def look(self) -> Iterator[Seen]:
        """Every file that is there."""

    def fetch(self, seen: Seen, target: Path) -> None:
        """Copy a file; FileNotFoundError where it is gone, Changed where it is another one now."""

    def delete(self, seen: Seen) -> None:
        """Remove the original, unless it is another one now."""


def allowed_roots(slug: str) -> list[Path]:
    """The folders below which a project may watch: `OVERREAD_WATCH_ROOTS`, "/path" for all or "project=/path" for one."""
    roots = []
    for entry in settings.WATCH_ROOTS:
        project, separator, path = entry.partition("=")
        if not separator:
            roots.append(Path(entry))
        elif project.strip() == slug:
            roots.append(Path(path))
    return roots


def checked_folder(slug: str, path: str) -> Path:
    """The folder as it really lies; Refused outside the roots, with the same words whether it exists or not."""
    real = Path(os.path.realpath(path))
    inside = any(real.is_relative_to(os.path.realpath(root)) for root in allowed_roots(slug))
    data = Path(os.path.realpath(settings.DATA_DIR))
    if not Path(path).is_absolute() or not inside or real.is_relative_to(data) or data.is_relative_to(real):
        raise Refused(f"{path} does not lie in a folder that the operator of this server allows this project to watch.")
    return real


def check_bucket(*, location: str, region: str, endpoint: str) -> None:
    """Refused for an endpoint that the operator has not named, or for what can be no bucket."""
    allowed = settings.WATCH_ENDPOINTS
    if (endpoint or AWS) not in allowed:
        told = endpoint or "AWS"
        raise Refused(f"{told} is not among the object stores that the operator of this server allows to watch.")
    if not _BUCKET.fullmatch(location.partition("/")[0]):
        raise Refused(f"{location.partition('/')[0]} is no name of a bucket.")
    if region and not _REGION.fullmatch(region):
        raise Refused(f"{region} is no region.")


def place_of(source: WatchedSource) -> Place:
    """The place that a source follows; Refused or Unreachable where it is not allowed, or not there, any more."""
    if source.kind == WatchedKind.FOLDER:
        return _FolderPlace(checked_folder(source.project.slug, source.location))
    check_bucket(location=source.location, region=source.region, endpoint=source.endpoint)
    try:
        credentials = json.loads(open_secret(source.sealed_credentials, purpose=PURPOSE))
    except SecretLost as lost:
        raise Refused(str(lost)) from lost
    bucket, _, prefix = source.location.partition("/")
    return BucketPlace(bucket_store(bucket, prefix, source.region, source.endpoint, credentials))


class _FolderPlace:
    """A folder of this server. Files are whole when two looks see the same."""

    writes_whole = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not folder.is_dir():
            raise Unreachable(f"There is no folder {folder}.")

    def look(self) -> Iterator[Seen]:
        def failed(error: OSError) -> None:
            raise Unreachable(f"{error.filename or self._folder}: {error.strerror}.") from error

        for folder, folders, files in os.walk(self._folder, onerror=failed):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(files):
                path = Path(folder) / name
                if (seen := self._seen(path)) is not None:
                    yield seen

    def _seen(self, path: Path) -> Seen | None:
        name = path.relative_to(self._folder).as_posix()
        # A name that is no UTF-8 is no text that a database takes; such a file is not followed.
        if not is_followed(name) or not name.isprintable() or name.encode("utf-8", "replace").decode() != name:
            return None
        try:
            found = path.lstat()
        except FileNotFoundError:
            return None
        return _as_seen(name, found) if stat.S_ISREG(found.st_mode) and found.st_size else None

    def fetch(self, seen: Seen, target: Path) -> None:
        with os.fdopen(self._open(seen), "rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
            after = os.fstat(source.fileno())
        if _as_seen(seen.name, after) != seen or target.stat().st_size != seen.size:
            target.unlink()
            raise Changed(seen.name)

    def _open(self, seen: Seen) -> int:
        path = self._folder / seen.name
        if Path(os.path.realpath(path.parent)) != path.parent:
            raise Changed(seen.name)  # a folder on the way has become a link
        try:
            opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise Changed(seen.name) from error
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or _as_seen(seen.name, found) != seen:
            os.close(opened)
            raise Changed(seen.name)
        return opened

    def delete(self, seen: Seen) -> None:
        try:
            os.close(self._open(seen))
            (self._folder / seen.name).unlink()
        except (FileNotFoundError, Changed):
            return


def is_followed(name: str) -> bool:
    """Whether a file of this name is looked at: no hidden one, none that another program is still writing."""
    return not any(part.startswith(".") for part in name.split("/")) and not name.lower().endswith(UNFINISHED)


def _as_seen(name: str, found: os.stat_result) -> Seen:
    return Seen(name, found.st_size, str(found.st_mtime_ns))


def bucket_store(bucket: str, prefix: str, region: str, endpoint: str, credentials: dict[str, str]) -> S3Store:
    """The store of a bucket, with the source's own access key and never the server's."""
    config: S3Config = {
        "access_key_id": credentials["access_key_id"],
        "secret_access_key": credentials["secret_access_key"],
        "region": region or "us-east-1",
    }
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={"timeout": timedelta(seconds=60), "allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=30)},
    )


class BucketPlace:
    """A prefix of a bucket, or any other store of obstore's. An object appears when it is whole."""

    writes_whole = True

    def __init__(self, store: Any) -> None:
        self._store = store

    def look(self) -> Iterator[Seen]:
        """Every object below the prefix."""
        try:
            for batch in obstore.list(self._store):
                for found in batch:
                    name = found["path"]
                    if is_followed(name) and found["size"] and len(name) <= 1000:
                        yield Seen(name, found["size"], _etag(found))
        except (obstore.exceptions.BaseError, OSError) as error:
            raise Unreachable(_one_line(error)) from error

    def fetch(self, seen: Seen, target: Path) -> None:
        """Copy an object, of the very content that was seen."""
        try:
            got = obstore.get(self._store, seen.name)
        except FileNotFoundError:
            raise
        except (obstore.exceptions.BaseError, OSError) as error:
            raise Unreachable(_one_line(error)) from error
        if (got.meta["size"], _etag(got.meta)) != (seen.size, seen.stamp):
            raise Changed(seen.name)
        try:
            with target.open("wb") as sink:
                for piece in got.stream(min_chunk_size=1 << 20):
                    sink.write(piece)
        except obstore.exceptions.BaseError as error:
            raise Unreachable(_one_line(error)) from error
        if target.stat().st_size != seen.size:
            raise Changed(seen.name)

    def delete(self, seen: Seen) -> None:
        """Remove the object, unless it is another one now."""
        try:
            if _etag(obstore.head(self._store, seen.name)) == seen.stamp:
                obstore.delete(self._store, seen.name)
        except FileNotFoundError:
            return
        except (obstore.exceptions.BaseError, OSError) as error:
            raise Unreachable(_one_line(error)) from error


def _etag(found: Any) -> str:
    return str(found["e_tag"] or found["last_modified"].isoformat())[:120]


def _one_line(error: Exception) -> str:
    """The first line of what obstore says; the rest is its own traceback."""
    return str(error).strip().splitlines()[0][:400] if str(error).strip() else type(error).__name__
