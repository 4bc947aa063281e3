"""Volumes in two files: a header (.mhd, .nhdr) that names the file of its voxels. They go through the door as one.

The name is only looked up among the files beside the header in the same import; no path that a header says is ever opened.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Final

from backend.dicom.refusal import Refused

BYTES_GONE: Final = "Its bytes were gone before it was imported."
HEAD_BYTES: Final = 1 << 16
"""Of a header: the longest there are have some thousand."""
HEADER_ENDINGS: Final = (".mhd", ".nhdr")
_PART_ENDINGS: Final = (*HEADER_ENDINGS, ".raw", ".zraw", ".raw.gz")
_FIELD: Final = {
    ".mhd": re.compile(rb"^[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]*)", re.MULTILINE),
    ".nhdr": re.compile(rb"^data ?file:[ \t]*([^\r\n]*)", re.MULTILINE | re.IGNORECASE),
}
_SEVERAL: Final = re.compile(r"^LIST\b|%0?\d*d", re.IGNORECASE)


def stem_of_part(name: str) -> str:
    """What a header and its voxels usually share of their names; empty for a file that is none of the two."""
    ending = max((ending for ending in _PART_ENDINGS if name.lower().endswith(ending)), key=len, default="")
    return name[: -len(ending)] if ending else ""


def voxel_file_of(head: bytes, name: str) -> str:
    """The file with the voxels of the header `name`, which begins with `head`, by its name beside it; empty: they follow it.

    Refused where the header names several files, or one elsewhere.
    """
    found = _field(name).search(head)
    told = found[1].decode("utf-8", "replace").strip() if found else ""
    if not told or told.upper() == "LOCAL":
        return ""
    if _SEVERAL.search(told):
        raise Refused("Its voxels are spread over several files; save it as one.")
    plain = told.removeprefix("./")
    if "/" in plain or "\\" in plain or plain in ("", ".", ".."):
        raise Refused("Its header names a file of voxels in another folder, which is not opened; put them side by side.")
    return str(PurePosixPath(name).with_name(plain))


def join_volume(header: Path, voxels: Path, target: Path, name: str) -> None:
    """Write the one file that a header and its voxels make: the same header, with the voxels behind it.

    Refused where one of the two is gone, or the header names no voxels.
    """
    try:
        _join(header, voxels, target, name)
    except FileNotFoundError as error:
        raise Refused(BYTES_GONE) from error


def _join(header: Path, voxels: Path, target: Path, name: str) -> None:
    text = header.read_bytes()
    found = _field(name).search(text)
    if found is None or len(text) > HEAD_BYTES:
        raise Refused("Damaged: its header names no file of voxels.")
    if name.lower().endswith(".mhd"):
        text = text[: found.start()] + b"ElementDataFile = LOCAL\n"
    else:
        text = (text[: found.start()] + text[found.end() :].lstrip(b"\r\n")).rstrip(b"\r\n") + b"\n\n"
    with target.open("wb") as out, voxels.open("rb") as source:
        out.write(text)
        shutil.copyfileobj(source, out, 1 << 20)


def _field(name: str) -> re.Pattern[bytes]:
    return _FIELD[PurePosixPath(name.lower()).suffix]
