"""Where the files of an import lie: uploaded, in a folder on the server, or inside a zip archive of either."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from django.conf import settings

from backend.archive.scratch import ScratchFolder
from backend.dicom.refusal import Refused
from backend.exchange.joined_volumes import join_volume
from backend.exchange.zips import extract_entry, is_zip, zip_entries


@dataclass(frozen=True)
class Source:
    """One file of an import: `path`, or the file `entry` of the zip archive at `path`; `refusal`: why not even tried.

    `voxels` is the file that a header of a volume names; the two are opened as one (`joined_volumes`).
    """

    name: str
    path: Path
    entry: str = ""
    size: int = 0
    refusal: str = ""
    voxels: Source | None = None

    def exists(self) -> bool:
        """Whether the file, or the archive it is in, is (still) there, and its voxels."""
        return self.path.is_file() and (self.voxels is None or self.voxels.exists())

    @contextmanager
    def opened(self) -> Iterator[Path]:
        """The file as a path on this machine for the time of the block; Refused if it cannot be unpacked."""
        if self.voxels is not None:
            with (
                ScratchFolder("joined-") as folder,
                replace(self, voxels=None).opened() as header,
                self.voxels.opened() as voxels,
            ):
                join_volume(header, voxels, folder / "file", self.name)
                yield folder / "file"
            return
        if not self.entry:
            yield self.path
            return
        with ScratchFolder("unzip-") as folder:
            target = folder / "file"
            extract_entry(self.path, self.entry, target)
            yield target


def upload_folder(run_id: UUID | str) -> Path:
    """Where the uploads of a run lie until they are imported."""
    folder: Path = settings.UPLOAD_DIR / str(run_id)
    return folder


def remove_uploads(run_id: UUID | str) -> None:
    """Delete the received bytes of a run."""
    shutil.rmtree(upload_folder(run_id), ignore_errors=True)


def sources_in(path: Path) -> list[Source]:
    """The files of a folder (not hidden ones), of a zip archive, or the one file, by name; Refused if there is none."""
    if path.is_dir():
        found = [
            Source(_speakable(file.relative_to(path).as_posix()), file, size=file.stat().st_size)
            for file in sorted(path.rglob("*"))
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
        ]
    elif path.is_file() and is_zip(path):
        found = zip_sources(path)
    elif path.is_file():
        found = [Source(_speakable(path.name), path, size=path.stat().st_size)]
    else:
        raise Refused(f"There is no file or folder {path}.")
    if not found:
        raise Refused(f"There is no file in {path}.")
    return found


def _speakable(name: str) -> str:
    """A file name as text that a database takes; names of this machine need not be UTF-8."""
    return name.encode("utf-8", "replace").decode()[:480]


def zip_sources(path: Path, prefix: str = "") -> list[Source]:
    """The files of a zip archive, named below `prefix`."""
    return [Source(prefix + entry.name, path, entry.name, entry.size, entry.refusal) for entry in zip_entries(path)]
