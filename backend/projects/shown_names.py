"""Names of received files and folders as a member may see them: a name may be a patient's.

Where an archive cleans files at its door, their names are shown to those alone who may learn identities. Everybody else is
shown a pseudonym of each part of a path, from the archive's key: the same file has the same everywhere, and a folder's files
can be told to lie together. Extensions stay where they are usual ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from backend.archive.models import Archive, DeidProfile
from backend.dicom.uids import keyed_digest
from backend.projects.models import Membership

_EXTENSIONS: Final = (
    "nii.gz", "seg.nrrd", "seg.nhdr", "bmp", "bz2", "csv", "dcm", "db", "dicom", "gif", "gz", "html", "ima", "jp2", "jpeg",
    "jpg", "json", "md", "mha", "mhd", "nhdr", "nii", "nrrd", "pdf", "png", "raw", "sqlite", "tar", "tif", "tiff", "tsv",
    "txt", "xls", "xlsx", "xml", "yaml", "yml", "zip",
)  # fmt: skip
_EXTENSION: Final = re.compile(rf"\.({'|'.join(map(re.escape, _EXTENSIONS))})$", re.IGNORECASE)
_FILE_IN_TEXT: Final = re.compile(rf"[^\s'\"(),;]+\.(?:{'|'.join(map(re.escape, _EXTENSIONS))})(?![\w/])", re.IGNORECASE)
_PSEUDONYM: Final = re.compile(r"(?:/?(?:file|folder)-[0-9a-f]{10}(?:\.[a-z0-9.]+)?)+:?")
_END: Final = r"(?=\.(?: Row \d+: | and \d+ more\.| The file is kept|$))"
_NAMING: Final = [
    re.compile(pattern, re.DOTALL)
    for pattern in (
        rf"There is no file (?P<name>.+?)(?: among those uploaded)?{_END}",
        r"^(?P<name>.+) is too big for a table\.$",
        r"^(?P<name>.+) is no UTF-8 text\.$",
        rf"no case here comes from a file (?P<name>.+?){_END}",
        rf"cases come from files named (?P<name>.+?){_END}",
        rf"The tables name two values of (?:patient|group) for (?P<name>.+?){_END}",
        r"The value of (?P<name>.+) is '.*', neither present nor absent",
        r"The value of .+ is '(?P<name>.*)', neither present nor absent",
        r"A box of (?P<name>.+) (?:is not four numbers|has no size)\.",
        r"files in it were refused; first (?P<name>.+?): ",
        r"The voxels of (?P<name>.+)\.$",
        # Of a table without a heading its first row.
        rf"The table has no column .+?; it has (?P<name>.+?){_END}",
    )
]
"""Sentences that quote a file's name, or what stands in a table."""
_SHORTEST_STEM: Final = 4


@dataclass(frozen=True)
class ShownNames:
    """How names are shown; `clear`: as they are."""

    archive: Archive
    clear: bool

    def name(self, name: str) -> str:
        """A path with the pseudonym of each of its parts."""
        if self.clear:
            return name
        parts = name.split("/")
        return "/".join(self._part(part, is_last=place == len(parts) - 1) for place, part in enumerate(parts))

    def text(self, text: str, names: Iterable[str] = ()) -> str:
        """A sentence about files: what it quotes of these names, and whatever else looks like a file, as pseudonyms."""
        if self.clear or not text:
            return text
        for name in names:
            for known in _ways_to_say(name):
                text = re.sub(rf"(?<![\w/]){re.escape(known)}(?!\w)", self.name(known), text)
        for pattern in _NAMING:
            text = pattern.sub(self._quoted, text)
        return _FILE_IN_TEXT.sub(lambda found: self._once(found[0]), text)

    def _quoted(self, found: re.Match[str]) -> str:
        start, end = found.start("name") - found.start(), found.end("name") - found.start()
        return f"{found[0][:start]}{self._once(found['name'])}{found[0][end:]}"

    def _once(self, name: str) -> str:
        return name if _PSEUDONYM.fullmatch(name) else self.name(name)

    def _part(self, part: str, *, is_last: bool) -> str:
        if not part:
            return part
        found = _EXTENSION.search(part)
        kind = "file" if is_last or found else "folder"
        digest = keyed_digest(self.archive.key, "file name", part)[:10]
        return f"{kind}-{digest}{found[0].lower() if found else ''}"


def names_shown_to(membership: Membership, archive: Archive) -> ShownNames:
    """How a member sees names: as they are where nothing is cleaned, or with the right to learn identities."""
    return ShownNames(archive, archive.deid_profile == DeidProfile.NONE or membership.may_reidentify)


def names_in_records(archive: Archive) -> ShownNames:
    """How names stand where anybody may read them: in errors of jobs and in logs."""
    return ShownNames(archive, archive.deid_profile == DeidProfile.NONE)


def _ways_to_say(name: str) -> list[str]:
    """A path, its last part, and that without the extension, the longest first."""
    tail = name.rsplit("/", 1)[-1]
    stem = _EXTENSION.sub("", tail)
    ways = [name, tail] if name != tail else [name]
    if stem != tail and len(stem) >= _SHORTEST_STEM and re.search(r"[^\W\d]", stem):
        ways.append(stem)
    return [way for way in ways if way]
