"""Received objects on disk until an import takes them: whatever was acknowledged survives a kill and a loss of power.

A batch is a folder with a note of whose it is; an object is a file in it, named by us: number, length, and a random UUID
that becomes its row's key. The data and the folder are synchronised before the sender hears of success, so a file whose
length is not the one in its name was never acknowledged.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
import uuid
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Final

from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom.dsutils import create_file_meta

from backend.archive.store import synchronise
from backend.exchange.receiving import is_taken_for_all

_NOTE: Final = "batch.json"


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

    def keep_only(self, keys: Collection[uuid.UUID]) -> None:
        """Remove the objects of all other keys: they lie elsewhere."""
        for received in list(self.objects()):
            if received.key not in keys:
                received.path.unlink()


class IncomingFile:
    """A file that is being received."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: memoryview) -> None:
        """Append a piece."""
        written = 0
        while written < len(data):
            written += os.write(self._handle, data[written:])
        self.size += written

    def synchronise(self) -> None:
        """Have the disk hold what was written."""
        os.fsync(self._handle)

    def close(self) -> None:
        """Nothing more is written."""
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1

    def discard(self) -> None:
        """Remove what came: it is not wanted, or it is not whole."""
        self.close()
        self.path.unlink(missing_ok=True)


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
        self._associations: Counter[Sender] = Counter()

    def incoming_file(self, *, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> IncomingFile:
        """A new file for a data set that is about to come, with the head that makes it a DICOM file."""
        meta = create_file_meta(
            sop_class_uid=UID(sop_class_uid), sop_instance_uid=UID(sop_instance_uid), transfer_syntax=UID(transfer_syntax)
        )
        head = BytesIO()
        head.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(head, meta)
        file = IncomingFile(self.incoming / uuid.uuid4().hex)
        file.write(head.getbuffer())
        return file

    def join(self, sender: Sender) -> None:
        """An association of the sender has begun."""
        with self._lock:
            self._associations[sender] += 1

    def leave(self, sender: Sender) -> None:
        """It has ended."""
        with self._lock:
            self._associations[sender] -= 1
            if not self._associations[sender]:
                del self._associations[sender]
            batch = self._open.get(sender)
            if batch is not None:
                batch.last_at = time.monotonic()

    def keep(self, received: IncomingFile, sender: Sender) -> None:
        """Put a whole file among the sender's objects, durably; OSError where the disk does not take it."""
        with self._lock:
            batch = self._open.get(sender) or self._opened(sender)
            batch.count += 1
            batch.last_at = time.monotonic()
            target = batch.folder / f"{batch.count:06d}-{received.size}-{uuid.uuid4()}.dcm"
            os.rename(received.path, target)
            received.path = target
        received.synchronise()
        synchronise(batch.folder)
        received.close()

    def _opened(self, sender: Sender) -> Batch:
        identity = uuid.uuid4()
        folder = self.held / str(identity)
        folder.mkdir(mode=0o700)
        with (folder / _NOTE).open("w") as note:
            json.dump(asdict(sender), note)
            note.flush()
            os.fsync(note.fileno())
        synchronise(self.held)
        batch = Batch(identity, sender, folder)
        self._open[sender] = batch
        return batch

    def close_due(self, *, all_of_them: bool = False) -> None:
        """Let no batch grow any more that is taken for all its sender sends; while an association is open more may come."""
        now = time.monotonic()
        with self._lock:
            for sender, batch in list(self._open.items()):
                quiet = timedelta(seconds=0 if self._associations[sender] else now - batch.last_at)
                age = timedelta(seconds=now - batch.opened_at)
                if all_of_them or is_taken_for_all(quiet=quiet, age=age):
                    del self._open[sender]

    def closed(self) -> Iterator[Batch]:
        """Batches that grow no more, those of an earlier process included, the oldest first."""
        # In this order: a batch that is opened after the folder was read is not among its entries.
        folders = sorted(self.held.iterdir(), key=lambda entry: entry.stat().st_mtime)
        with self._lock:
            growing = {batch.folder for batch in self._open.values()}
        for folder in folders:
            if folder in growing:
                continue
            note = folder / _NOTE
            if not note.exists() or not note.stat().st_size:
                shutil.rmtree(folder)  # ended before its first object
                continue
            yield Batch(uuid.UUID(folder.name), Sender(**json.loads(note.read_text())), folder)
