"""Read a DICOM file without being hurt by it: its kind comes from its first bytes, deflated data inflates under a cap.

Pixel Data are not read: their value is a `FilePart`, of which whoever needs frames takes one at a time.
"""

from __future__ import annotations

import os
import struct
import zlib
from io import BytesIO
from typing import BinaryIO, Final, cast

from pydicom import config
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from backend.dicom.bombs import MAX_RATIO, most_unpacked
from backend.dicom.file_part import FilePart
from backend.dicom.metaimage_header import is_metaimage_head
from backend.dicom.nifti_header import is_nifti_head
from backend.dicom.refusal import Refused

# Values out of standard are common in real files and no reason to refuse an image.
config.settings.reading_validation_mode = config.IGNORE
config.settings.writing_validation_mode = config.IGNORE

MAX_INFLATED_BYTES: Final = 256 * 1024 * 1024
HEAD_BYTES: Final = 1024
"""How much of a file `sniffed_format` needs to see."""

_PREAMBLE_BYTES: Final = 132
_PIXEL_DATA: Final = 0x7FE00010
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_PIXEL_VRS: Final = frozenset({"OB", "OW"})
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
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML document"),
)
_EXPLICIT_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)


def sniffed_format(head: bytes) -> str:
    """ "dicom", "png", "jpeg", "nifti", "nrrd" or "metaimage" from the first bytes; Refused with what else it is."""
    if not head:
        raise Refused("The file is empty.")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[128:132] == b"DICM" or _looks_like_bare_dicom(head):
        return "dicom"
    if head.startswith(b"NRRD"):
        return "nrrd"
    if is_nifti_head(head):
        return "nifti"
    if is_metaimage_head(head):
        return "metaimage"
    for signature, meaning in _OTHER_FORMATS:
        if head.startswith(signature):
            raise Refused(f"Not an image: {meaning}.")
    raise Refused("Not a DICOM, PNG, JPEG, NIfTI, NRRD or MetaImage file.")


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


def read_dicom(received: BinaryIO) -> FileDataset:
    """The data set of a DICOM file, with a transfer syntax in its file meta; Refused if it is none or too big.

    `received` has to stay open for as long as its pixels are wanted.
    """
    file = _whole_file(received)
    meta, start = _file_meta(file)
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        file.seek(start)
        inflated = _whole_file(BytesIO(_inflated(file.read())))
        pixels = _PixelPlace(inflated)
        found = read_dataset(cast(BinaryIO, inflated), is_implicit_VR=False, is_little_endian=True, stop_when=pixels.is_here)
        dataset = FileDataset(cast(BinaryIO, inflated), found, b"\0" * 128, meta, False, True)
        dataset.set_original_encoding(False, True, found._character_set)
    else:
        file.seek(0)
        pixels = _PixelPlace(file)
        dataset = read_partial(cast(BinaryIO, file), pixels.is_here, force=True)
    if pixels.is_found:
        pixels.take_into(dataset)
    if len(dataset) == 0:
        raise Refused("Damaged: the file holds no readable DICOM header.")
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = _guessed_transfer_syntax(dataset)
    return dataset


def _whole_file(file: BinaryIO) -> FilePart:
    """All of an open file."""
    return FilePart(file, 0, file.seek(0, os.SEEK_END))


class _PixelPlace:
    """Where reading came upon Pixel Data: their VR, length and the first byte of their value in the file."""

    def __init__(self, file: FilePart) -> None:
        self._file = file
        self.is_found = False
        self._vr, self._length, self._start = "", 0, 0

    def is_here(self, tag: BaseTag, vr: str | None, length: int) -> bool:
        """Whether an element is Pixel Data; reading stops there (a `stop_when` of pydicom)."""
        if tag != _PIXEL_DATA:
            return False
        self.is_found = True
        self._vr, self._length, self._start = vr or "", length, self._file.tell()
        return True

    def take_into(self, dataset: FileDataset) -> None:
        """Add them as a stream, and what follows them in the file."""
        is_implicit, is_little = (bool(one) for one in dataset.original_encoding)
        end = self._start + self._length
        if self._length == _UNDEFINED:
            end = self._end_of_items("<" if is_little else ">")
        size = self._file.seek(0, os.SEEK_END)
        stream = FilePart(self._file, self._start, min(end, size) - self._start)
        dataset.add_new(_PIXEL_DATA, self._vr if self._vr in _PIXEL_VRS else "OW", stream)
        dataset[_PIXEL_DATA].is_undefined_length = self._length == _UNDEFINED
        # Behind items come eight bytes of a delimiter.
        self._file.seek(end + 8 if self._length == _UNDEFINED else end)
        dataset.update(read_dataset(cast(BinaryIO, self._file), is_implicit, is_little))

    def _end_of_items(self, endian: str) -> int:
        """Where the last fragment ends; Refused where no delimiter says that it is the last."""
        at = self._start
        while True:
            self._file.seek(at)
            head = self._file.read(8)
            if len(head) < 8:
                raise Refused("The file ends too early: nothing says where its pixels end.")
            group, element, length = struct.unpack(f"{endian}HHL", head)
            if group << 16 | element != _ITEM:
                return at
            at += 8 + length


def _file_meta(file: FilePart) -> tuple[FileMetaDataset, int]:
    """The file meta group and where the data set starts, without touching the data set (it may be a bomb)."""
    file.seek(0)
    head = file.read(_PREAMBLE_BYTES)
    start = 132 if head[128:132] == b"DICM" else (4 if head[:4] == b"DICM" else 0)
    file.seek(start)
    if file.read(2) != b"\x02\0":
        return FileMetaDataset(), start
    file.seek(start)
    found = read_dataset(cast(BinaryIO, file), False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    length = found.get("FileMetaInformationGroupLength")
    end = start + 12 + int(length) if isinstance(length, int) else file.tell()
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
