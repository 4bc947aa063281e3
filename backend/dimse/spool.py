"""Received objects on disk until an import takes them: whatever was acknowledged survives a kill and a loss of power.

A batch is a folder with a note of whose it is; an object is a file in it, named by us: number, length, and a random UUID that
becomes its row's key. The data and the folder are synchronised before the sender hears of success, so a file whose length
is not the one in its name was never acknowledged.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

_NOTE: Final = "batch.json"
_OBJECTS_PER_BATCH: Final = 2000
_OLDEST_SECONDS: Final = 600.0
QUIET_SECONDS: Final = 60.0
"""A batch with an association that is open, yet silent for so long, is handed over."""
SETTLING_SECONDS: Final = 1.0
"""How long a batch waits for another association of its sender: some open one for each image."""


@dataclass(frozen=True)
class Sender:
    """Who sends to which project: a batch holds objects of one sender only."""

    project: str
    calling_ae_title: str
    address: str


@dataclass(frozen=True)
class SpooledObject:
    """A received file, the key of the row that it gets, and its place in the order of arrival."""

    path: Path
    key: uuid.UUID
    number: int
    size: int


@dataclass(eq=False)
class Batch:
    """A folder of objects of one sender that still grows, or waits to be handed over."""

    id: uuid.UUID
    sender: Sender
    folder: Path
    count: int = 0
    associations: int = 0
    opened_at: float = field(default_factory=time.monotonic)
    last_at: float = field(default_factory=time.monotonic)

    def objects(self) -> Iterator[SpooledObject]:
        """What was received whole, by number; what was not is removed: nobody was told that it was."""
        for path in sorted(self.folder.iterdir()):
            number, _, rest = path.stem.partition("-")
            size, _, key = rest.partition("-")
            if path.name == _NOTE or not size.isdigit():
                continue
            if path.stat().st_size != int(size):
                path.unlink()
                continue
            yield SpooledObject(path, uuid.UUID(key), int(number), int(size))

    def discard(self) -> None:
        """Remove the folder once nothing in it is needed."""
        shutil.rmtree(self.folder)

    def set_aside(self, folder: Path) -> None:
        """Keep the objects of an import that failed, for a person to look at."""
        self.folder.rename(folder / self.folder.name)


class Spool:
    """All batches below `root`. Safe for many threads."""

    def __init__(self, root: Path) -> None:
        self.incoming = root / "incoming"
        self.held = root / "held"
        self.failed = root / "failed"
        shutil.rmtree(self.incoming, ignore_errors=True)  # pieces of what was never received whole
        for folder in (root, self.incoming, self.held, self.failed):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._open: dict[Sender, Batch] = {}

    def take_temporary_files(self) -> None:
        """Have this process's temporary files, pynetdicom's among them, lie in the private folder."""
        tempfile.tempdir = str(self.incoming)

    def join(self, sender: Sender) -> None:
        """An association of the sender has begun."""
        with self._lock:
            batch = self._open.get(sender)
            if batch is not None:
                batch.associations += 1

    def leave(self, sender: Sender) -> None:
        """It has ended."""
        with self._lock:
            batch = self._open.get(sender)
            if batch is not None:
                batch.associations = max(0, batch.associations - 1)
                batch.last_at = time.monotonic()

    def keep(self, received: Path, sender: Sender) -> None:
        """Put a whole file among the sender's objects, durably; OSError where the disk does not take it."""
        handle = os.open(received, os.O_RDONLY)
        try:
            size = os.fstat(handle).st_size
            with self._lock:
                batch = self._open.get(sender) or self._opened(sender)
                batch.count += 1
                batch.last_at = time.monotonic()
                os.rename(received, batch.folder / f"{batch.count:06d}-{size}-{uuid.uuid4()}.dcm")
                folder = batch.folder
            os.fsync(handle)
        finally:
            os.close(handle)
        _synchronise(folder)

    def _opened(self, sender: Sender) -> Batch:
        identity = uuid.uuid4()
        folder = self.held / str(identity)
        folder.mkdir(mode=0o700)
        with (folder / _NOTE).open("w") as note:
            json.dump(asdict(sender), note)
            note.flush()
            os.fsync(note.fileno())
        _synchronise(self.held)
        batch = Batch(identity, sender, folder, associations=1)
        self._open[sender] = batch
        return batch

    def close_due(self, *, all_of_them: bool = False) -> None:
        """Let no batch grow any more that is settled, quiet, full or old."""
        now = time.monotonic()
        with self._lock:
            for sender, batch in list(self._open.items()):
                quiet = now - batch.last_at
                settled = batch.associations == 0 and quiet > SETTLING_SECONDS
                full = batch.count >= _OBJECTS_PER_BATCH or now - batch.opened_at > _OLDEST_SECONDS
                if all_of_them or settled or full or quiet > QUIET_SECONDS:
                    del self._open[sender]

    def closed(self) -> Iterator[Batch]:
        """Batches that grow no more, those of an earlier process included, the oldest first."""
        with self._lock:
            growing = {batch.folder for batch in self._open.values()}
        for folder in sorted(self.held.iterdir(), key=lambda entry: entry.stat().st_mtime):
            if folder in growing:
                continue
            note = folder / _NOTE
            if not note.exists() or not note.stat().st_size:
                shutil.rmtree(folder)  # ended before its first object
                continue
            yield Batch(uuid.UUID(folder.name), Sender(**json.loads(note.read_text())), folder)


def _synchronise(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
