"""Whole DICOM files (PS3.10), rebuilt from the stored header and frames, piece by piece."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.charset import convert_encodings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import PYDICOM_IMPLEMENTATION_UID, UID

from backend.archive.models import Instance
from backend.archive.rendering import read_frame
from backend.archive.store import get_range, has_object, read_pieces
from backend.archive.transcoding import transcoded_frame
from backend.dicom.header import bulk_range, frame_format
from backend.dicom.transcode import photometric_of

# Group 0002 and what only makes sense on the wire; it does not belong in a file's dataset.
_AVAILABLE_TRANSFER_SYNTAX = "00083002"
_TABLE_LIMIT = 2**32 - 2**20
_PIXEL_DATA: Final = 0x7FE00010
_ITEM: Final = b"\xfe\xff\x00\xe0"
_END_OF_SEQUENCE: Final = b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED: Final = 0xFFFFFFFF


@dataclass(frozen=True)
class Part10:
    """A DICOM file: how many bytes it has, and the bytes, a megabyte or so at a time."""

    size: int
    pieces: Iterator[bytes]


@dataclass(frozen=True)
class _Frame:
    """A frame as it goes into the file: `length` bytes at `offset` of the instance's object, or those that it has become."""

    length: int
    offset: int = 0
    transcoded: bytes | None = None


def part10(instance: Instance, *, syntax: str = "") -> Part10:
    """The instance as a DICOM file, as it is stored or in another transfer syntax (those of `backend.dicom.transcode`).

    What was made here is its own file, byte for byte, whatever syntax is asked for. No more than the header and a piece of
    the pixels is in memory, but where frames are transcoded: how long they will be is not known before, so they are all
    held, encoded. FileNotFoundError, before the first piece, where the frames are gone.
    """
    if not has_object(instance.frames_key) and (instance.frame_ranges or instance.file_range is not None):
        raise FileNotFoundError(instance.frames_key)
    if instance.file_range is not None:
        return Part10(instance.file_range[1], read_pieces(instance.frames_key, *instance.file_range))
    syntax = syntax or instance.transfer_syntax_uid
    header = json.loads(instance.dicom_json)
    belonging = {tag: item for tag, item in header.items() if _belongs(tag)}
    dataset = Dataset.from_json(belonging, lambda uri: get_range(instance.frames_key, *bulk_range(uri)))
    stored = UID(instance.transfer_syntax_uid)
    frames = [_Frame(length, offset) for offset, length in instance.frame_ranges]
    # Uncompressed frames are the same bytes in every little-endian syntax.
    if syntax != stored and (UID(syntax).is_encapsulated or stored.is_encapsulated):
        form = frame_format(header)
        made = (transcoded_frame(read_frame(instance, number), form, syntax) for number in range(1, len(frames) + 1))
        frames = [_Frame(len(frame), transcoded=frame) for frame in made]
        dataset.PhotometricInterpretation = photometric_of(form)
    head, tail = _before_and_behind(dataset, instance, frames, UID(syntax))
    size, lead = _pixel_lead(dataset, frames, UID(syntax))
    pieces = _pieces([head, lead], instance.frames_key, frames, UID(syntax).is_encapsulated, tail)
    return Part10(len(head) + size + len(tail), pieces)


def _belongs(tag: str) -> bool:
    return not tag.startswith("0002") and tag not in (_AVAILABLE_TRANSFER_SYNTAX, "7FE00010", "7FE00008", "7FE00009")


def _before_and_behind(dataset: Dataset, instance: Instance, frames: Sequence[_Frame], syntax: UID) -> tuple[bytes, bytes]:
    """What a file has before its pixels and, seldom, behind them."""
    head = Dataset({tag: element for tag, element in dataset.items() if tag < _PIXEL_DATA})
    head.file_meta = FileMetaDataset()
    head.file_meta.MediaStorageSOPClassUID = UID(instance.sop_class_uid)
    head.file_meta.MediaStorageSOPInstanceUID = UID(instance.sop_instance_uid)
    head.file_meta.TransferSyntaxUID = syntax
    head.file_meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
    if syntax.is_encapsulated and _is_beyond_table(frames):
        # Offsets beyond 32 bit need the Extended Offset Table.
        head.ExtendedOffsetTable = struct.pack(f"<{len(frames)}Q", *_offsets(frames))
        head.ExtendedOffsetTableLengths = struct.pack(f"<{len(frames)}Q", *(_even(frame.length) for frame in frames))
    out = io.BytesIO()
    dcmwrite(out, head, enforce_file_format=True)
    behind = Dataset({tag: element for tag, element in dataset.items() if tag > _PIXEL_DATA})
    tail = DicomBytesIO()
    tail.is_little_endian, tail.is_implicit_VR = True, syntax.is_implicit_VR
    write_dataset(tail, behind, convert_encodings(dataset.get("SpecificCharacterSet", "ISO_IR 6")))
    return out.getvalue(), tail.getvalue()


def _pixel_lead(dataset: Dataset, frames: Sequence[_Frame], syntax: UID) -> tuple[int, bytes]:
    """The size of the whole element Pixel Data, and what of it stands before the frames (PS3.5 section A.4)."""
    if not frames:
        return 0, b""
    total = sum(frame.length for frame in frames)
    if not syntax.is_encapsulated:
        vr = b"OB" if dataset.BitsAllocated <= 8 else b"OW"
        lead = _element_lead(b"" if syntax.is_implicit_VR else vr, _even(total))
        return len(lead) + _even(total), lead
    offsets = [] if _is_beyond_table(frames) else _offsets(frames)
    table = struct.pack(f"<{len(offsets)}I", *offsets)
    lead = _element_lead(b"OB", _UNDEFINED) + _ITEM + struct.pack("<I", len(table)) + table
    return len(lead) + sum(8 + _even(frame.length) for frame in frames) + len(_END_OF_SEQUENCE), lead


def _element_lead(vr: bytes, length: int) -> bytes:
    """Tag, VR (none where it is implicit) and length of Pixel Data."""
    return b"\xe0\x7f\x10\x00" + (vr + b"\0\0" if vr else b"") + struct.pack("<I", length)


def _pieces(
    before: Sequence[bytes], key: str, frames: Sequence[_Frame], is_encapsulated: bool, tail: bytes
) -> Iterator[bytes]:
    yield b"".join(before)
    for frame in frames:
        if is_encapsulated:
            yield _ITEM + struct.pack("<I", _even(frame.length))
        if frame.transcoded is None:
            yield from read_pieces(key, frame.offset, frame.length)
        else:
            yield frame.transcoded
        if is_encapsulated and frame.length % 2:
            yield b"\0"
    if frames and not is_encapsulated and sum(frame.length for frame in frames) % 2:
        yield b"\0"
    yield (_END_OF_SEQUENCE if frames and is_encapsulated else b"") + tail


def _is_beyond_table(frames: Sequence[_Frame]) -> bool:
    return sum(frame.length for frame in frames) >= _TABLE_LIMIT


def _offsets(frames: Sequence[_Frame]) -> list[int]:
    """Where each frame's item begins, from the first byte of the first."""
    offsets, end = [], 0
    for frame in frames:
        offsets.append(end)
        end += 8 + _even(frame.length)
    return offsets


def _even(length: int) -> int:
    return length + length % 2
