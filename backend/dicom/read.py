"""Read a DICOM file without being hurt by it: its kind comes from its first bytes, deflated data inflates under a cap."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Final

from pydicom import config, dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from backend.dicom.bombs import MAX_RATIO, most_unpacked
from backend.dicom.refusal import Refused

# Values out of standard are common in real files and no reason to refuse an image.
config.settings.reading_validation_mode = config.IGNORE
config.settings.writing_validation_mode = config.IGNORE

MAX_INFLATED_BYTES: Final = 256 * 1024 * 1024

_OTHER_FORMATS: Final = (
    (b"PK\x03\x04", "a zip archive inside another one: unpack it first"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-zip archive: unpack it first"),
    (b"%PDF", "a PDF document"),
    (b"GIF8", "a GIF picture; use PNG or JPEG"),
    (b"BM", "a BMP picture; use PNG or JPEG"),
    (b"II*\0", "a TIFF picture; use PNG or JPEG"),
    (b"MM\0*", "a TIFF picture; use PNG or JPEG"),
    (b"RIFF", "a RIFF file; use PNG or JPEG"),
    (b"NRRD", "an NRRD volume; use DICOM"),
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
)
_EXPLICIT_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)


def sniffed_format(data: bytes) -> str:
    """ "dicom", "png" or "jpeg" from the first bytes; Refused with what else it is."""
    if not data:
        raise Refused("The file is empty.")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data[128:132] == b"DICM" or _looks_like_bare_dicom(data):
        return "dicom"
    for signature, meaning in _OTHER_FORMATS:
        if data.startswith(signature):
            raise Refused(f"Not an image: {meaning}.")
    raise Refused("Not a DICOM, PNG or JPEG file.")


def _looks_like_bare_dicom(data: bytes) -> bool:
    """Whether a file without the 128-byte preamble starts with a plausible data element (old and cut-out files do)."""
    if data[:4] == b"DICM":
        return True
    if len(data) < 16:
        return False
    group, element, length = struct.unpack("<HHL", data[:8])
    if group in (0x0002, 0x0008) and element <= 0x0018:
        return data[4:6] in _EXPLICIT_VRS or length <= 256
    return data[:2] == b"\0\x08" and data[4:6] in _EXPLICIT_VRS


def read_dicom(data: bytes) -> FileDataset:
    """The data set of a DICOM file, with a transfer syntax in its file meta; Refused if it is none or too big."""
    meta, start = _file_meta(data)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        inflated = BytesIO(_inflated(data[start:]))
        found = read_dataset(inflated, is_implicit_VR=False, is_little_endian=True)
        dataset = FileDataset(inflated, found, b"\0" * 128, meta, False, True)
        dataset.set_original_encoding(False, True, found._character_set)
    else:
        dataset = dcmread(BytesIO(data), force=True)
    if len(dataset) == 0:
        raise Refused("Damaged: the file holds no readable DICOM header.")
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _guessed_transfer_syntax(dataset)
    return dataset


def _file_meta(data: bytes) -> tuple[FileMetaDataset, int]:
    """The file meta group and where the data set starts, without touching the data set (it may be a bomb)."""
    start = 132 if data[128:132] == b"DICM" else (4 if data[:4] == b"DICM" else 0)
    stream = BytesIO(data)
    stream.seek(start)
    if data[start : start + 2] != b"\x02\0":
        return FileMetaDataset(), start
    found = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    length = found.get("FileMetaInformationGroupLength")
    end = start + 12 + int(length) if isinstance(length, int) else stream.tell()
    return FileMetaDataset(found), end


def _inflated(packed: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    limit = min(MAX_INFLATED_BYTES, most_unpacked(len(packed)))
    try:
        unpacked = inflater.decompress(packed, limit)
    except zlib.error as error:
        raise Refused("Damaged: its compressed data set cannot be unpacked.") from error
    if inflater.unconsumed_tail:
        reason = "" if limit == MAX_INFLATED_BYTES else f", more than {MAX_RATIO} times its size: a bomb"
        raise Refused(f"It unpacks to more than {limit >> 20} MB{reason}.")
    return unpacked


def _guessed_transfer_syntax(dataset: Dataset) -> UID:
    """The uncompressed transfer syntax that fits how the header could be read."""
    implicit, little = dataset.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian
