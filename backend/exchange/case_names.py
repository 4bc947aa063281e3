"""Names of files and pictures, taken apart. Pure functions on text."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final, Literal

_DOUBLE_SUFFIXES: Final = (".nii.gz", ".seg.nrrd", ".seg.nhdr")

_VOLUMES: Final = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_IMAGE_FOLDER: Final = re.compile(r"images.*|images?([-_. ].*)?", re.IGNORECASE)
_MASK_FOLDER: Final = re.compile(
    r"labels?(Tr|Ts|Val)?([-_. ].*)?|(masks?|segs?|segmentations?|annotations?|gt|ground[-_ ]?truth)([-_. ].*)?",
    re.IGNORECASE,
)
_MASK_WORDS: Final = "mask|masks|seg|segmentation|label|labels|gt|annotation|roi"
_MASK_ENDING: Final = re.compile(rf"(^|[-_. ])({_MASK_WORDS})$", re.IGNORECASE)
_LOOSE_MASK_ENDING: Final = re.compile(rf"[-_. ]*({_MASK_WORDS})$", re.IGNORECASE)
_IMAGE_ENDING: Final = re.compile(r"[-_. ](image|img|volume)$", re.IGNORECASE)
_CHANNEL: Final = re.compile(r"(.+)_(\d{4})")
VolumeRole = Literal["", "image", "mask"]


def is_volume(path: str) -> bool:
    """Whether a file is a volume of voxels by its name; it may be an image or a mask."""
    return path.lower().endswith(_VOLUMES)


def folder_role(path: str) -> VolumeRole:
    """Whether the files of a folder are images or masks by the name of the innermost folder that says so."""
    for folder in reversed(PurePosixPath(path).parts[:-1]):
        if _MASK_FOLDER.fullmatch(folder):
            return "mask"
        if _IMAGE_FOLDER.fullmatch(folder):
            return "image"
    return ""


def volume_role(path: str) -> VolumeRole:
    """Whether a volume is an image or a mask by its folder, else by the ending of its name (`scan_17_seg.nii.gz`)."""
    is_mask = path.lower().endswith((".seg.nrrd", ".seg.nhdr")) or _MASK_ENDING.search(without_extension(tail_of(path)))
    return folder_role(path) or ("mask" if is_mask else "")


def without_mask_ending(stem: str) -> str:
    """A name without what says that it is a mask: `scan_17` of `scan_17_seg`."""
    return _LOOSE_MASK_ENDING.sub("", stem)


def channel_of(path: str) -> tuple[str, int] | None:
    """(path of the case, number of the channel) of an image in nnU-Net's layout, `imagesTr/case_0001.nii.gz`; else None."""
    found = _CHANNEL.fullmatch(without_extension(path))
    if found is None or not PurePosixPath(path).parent.name.lower().startswith("images"):
        return None
    return found[1], int(found[2])


def image_names(path: str) -> list[str]:
    """The names by which a mask may speak of the image of a file: its own, and without `_0000` or `_image`."""
    channel = channel_of(path)
    if channel is not None:
        return [path, channel[0]] if channel[1] == 0 else [path]
    stem = without_extension(path)
    bare = _IMAGE_ENDING.sub("", stem)
    return [path, bare] if bare != stem else [path]


def without_extension(path: str) -> str:
    """A path without its file's extension; `.nii.gz` is one, the last number of a UID is none."""
    for suffix in _DOUBLE_SUFFIXES:
        if path.lower().endswith(suffix):
            return path[: -len(suffix)]
    suffix = PurePosixPath(path).suffix
    return path[: -len(suffix)] if suffix and not suffix[1:].isdigit() else path


def tail_of(path: str) -> str:
    """What follows the last slash."""
    return path.rsplit("/", 1)[-1]
