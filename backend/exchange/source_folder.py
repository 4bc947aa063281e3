"""The files of an import as a format sees them: by name, unpacked only when asked for, and known which were opened."""

from __future__ import annotations

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from backend.archive.scratch import ScratchFolder
from backend.dicom.refusal import Refused
from backend.exchange.joined_volumes import join_volume
from backend.exchange.sources import Source
from backend.exchange.zips import entry_head, extract_entry, opened_archive


class SourceFolder(Mapping[str, Path]):
    """A `Folder` over sources, used as a context: it unpacks into scratch. `opened`: names whose bytes were asked for."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.name: source for source in sources if not source.refusal}
        self._scratch: ScratchFolder | None = None
        self._unpacked: dict[str, Path] = {}
        self._archives: dict[Path, zipfile.ZipFile] = {}
        self._stack = ExitStack()
        self.opened: set[str] = set()

    def __enter__(self) -> SourceFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()
        if self._scratch is not None:
            self._scratch.close()

    def __getitem__(self, name: str) -> Path:
        source = self._sources[name]
        self.opened.add(name)
        if source.voxels is not None:
            return self._joined(name, source, source.voxels)
        if not source.entry:
            return source.path
        if name not in self._unpacked:
            target = self.make_scratch() / f"{len(self._unpacked)}{_suffix(name)}"
            try:
                extract_entry(source.path, source.entry, target, self._archive(source.path))
            except Refused as refusal:
                raise Refused(f"{name}: {refusal}") from refusal
            self._unpacked[name] = target
        return self._unpacked[name]

    def _joined(self, name: str, source: Source, voxels: Source) -> Path:
        """A header and its voxels as one file."""
        if name not in self._unpacked:
            target = self.make_scratch() / f"{len(self._unpacked)}{_suffix(name)}"
            with replace(source, voxels=None).opened() as header, voxels.opened() as behind:
                join_volume(header, behind, target, name)
            self._unpacked[name] = target
        return self._unpacked[name]

    def make_scratch(self) -> Path:
        """Where files are unpacked; made here, so that this process removes it whoever unpacks."""
        if self._scratch is None:
            self._scratch = ScratchFolder("readings-")
        return self._scratch.path

    def forget_open_archives(self) -> None:
        """In a copy of the process that opened them: their descriptors are closed here."""
        self._archives, self._stack = {}, ExitStack()

    def head(self, name: str, count: int) -> bytes:
        """The first bytes of a file, unpacked no further; asking for them does not count as opening it."""
        source = self._sources[name]
        if source.entry:
            return entry_head(self._archive(source.path), source.entry, count)
        with source.path.open("rb") as file:
            return file.read(count)

    def _archive(self, path: Path) -> zipfile.ZipFile:
        """Open from the first question on: each opening reads the whole directory."""
        if path not in self._archives:
            self._archives[path] = opened_archive(path, self._stack)
        return self._archives[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def without(self, names: Collection[str]) -> SourceFolder:
        """The rest; it shares nothing with this one."""
        return SourceFolder([source for name, source in self._sources.items() if name not in names])


def _suffix(name: str) -> str:
    """Extensions that libraries read a file by, of plain letters only: the name itself comes from outside."""
    tail = name.rsplit("/", 1)[-1].lower()
    parts = tail.split(".")[-2:] if tail.endswith(".gz") else tail.split(".")[-1:] if "." in tail else []
    return "".join(f".{part}" for part in parts if part.isascii() and part.isalnum() and len(part) < 8)
