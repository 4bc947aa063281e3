"""The frames blob of an instance: original encoding where browsers decode it, else lossless; verified by decoding again.

Frames come from the received file and go to the blob one at a time: memory holds one of them, in a few copies, never all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO, Final

import numpy as np
from jpeg_ls import encode_pixel_data
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.pixels import apply_color_lut, get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from backend.dicom.bombs import refuse_large_frame
from backend.dicom.codestream import Codestream, parsed_codestream
from backend.dicom.image_check import PixelModule
from backend.dicom.jpeg12 import decoded_jpeg12
from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import FrameFormat, Pixels, decoded_frame, rgb_of

_PROGRESSIVE_JPEG: Final = frozenset({UID("1.2.840.10008.1.2.4.53"), UID("1.2.840.10008.1.2.4.55")})
"""Retired processes 6 & 8 and 10 & 12: the coefficients of a sequential JPEG in another order, which its decoders read."""
_TWELVE_BIT_JPEG: Final = _PROGRESSIVE_JPEG | {JPEGExtended12Bit}
_MOVED_BYTES: Final = 1 << 20
_BLANKED: Final = "Rectangles that may hold burnt-in text blanked, stored without further loss"
_KEPT_KIND: Final = {
    JPEGBaseline8Bit: "jpeg",
    JPEGLSLossless: "jpeg-ls",
    JPEGLSNearLossless: "jpeg-ls",
    JPEG2000: "jpeg2000",
    JPEG2000Lossless: "jpeg2000",
}


@dataclass(frozen=True)
class StoredFrames:
    """What is stored of the pixels.

    `ranges` are (offset, length) per frame in the blob; `pixel_digest` is SHA-256 over shape, type and decoded values;
    `middle` is the decoded middle frame; `note` says what was changed, empty if nothing.
    """

    form: FrameFormat
    ranges: list[tuple[int, int]]
    pixel_digest: str
    middle: Pixels
    note: str = ""


def stored_frames(
    dataset: Dataset,
    module: PixelModule,
    blob: BinaryIO,
    *,
    clean: Callable[[bytes], bytes] | None = None,
    blank: Callable[[Pixels, str], Pixels] | None = None,
    pack_raw: bool = False,
) -> StoredFrames:
    """Write the frames of an image to `blob`, an empty file, for storage; Refused if they cannot be decoded.

    Pixel Data of `dataset` are a `FilePart`. `clean` is applied to each compressed frame that is kept as it is. `blank`
    takes a decoded frame and its photometric interpretation; what it gives is stored without further loss, and nothing of
    what it took. `pack_raw`: raw pixels did not come raw (a PNG's) and are packed, too.
    """
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    refuse_large_frame(module.shown_frame_bytes, syntax)
    if not syntax.is_encapsulated:
        pack_raw = pack_raw or syntax == DeflatedExplicitVRLittleEndian
        _check_native_length(module, len(dataset.PixelData))
        return _recoded(_native_values(dataset, module, syntax), dataset, module, blob, keep_raw=not pack_raw, blank=blank)
    if not _is_decodable(syntax):
        raise Refused(f"Its compression ({_name(syntax)}) is not supported.")
    streams = _checked_streams(dataset, module, syntax)
    if blank is None and syntax in _KEPT_KIND and module.photometric_interpretation != "PALETTE COLOR":
        form = _form_if_kept(syntax, module, streams)
        if form is not None:
            frames = _encoded_frames(dataset, module)
            return _kept(map(clean, frames) if clean else frames, form, module, blob)
    decoded = _decoded_values(_encoded_frames(dataset, module), dataset, module, syntax)
    return _recoded(decoded, dataset, module, blob, keep_raw=False, blank=blank)


def _is_decodable(syntax: UID) -> bool:
    try:
        return bool(_decoder(syntax).is_available)
    except NotImplementedError:
        return False


def _decoder(syntax: UID) -> Decoder:
    return get_decoder(JPEGBaseline8Bit if syntax in _PROGRESSIVE_JPEG else syntax)


def _check_native_length(module: PixelModule, there: int) -> None:
    """Refused where pixels are missing, and where they are no YBR_FULL_422 for being as many as of YBR_FULL."""
    samples = module.rows * module.columns * module.samples_per_pixel * module.number_of_frames
    is_subsampled = module.photometric_interpretation == "YBR_FULL_422"
    due = -(-(samples // 3 * 2 if is_subsampled else samples) * module.bits_allocated // 8)
    if there < due:
        raise Refused(f"The file ends too early: {due} bytes of pixels are due, {there} are there.")
    if is_subsampled and there >= samples * module.bits_allocated // 8:
        raise Refused("Damaged: its pixels cannot be decoded.")


def _encoded_frames(dataset: Dataset, module: PixelModule) -> Iterator[bytes]:
    """The compressed frames, each in one piece."""
    offsets = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        offsets = (dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths)
    dataset.PixelData.seek(0)
    found = generate_frames(dataset.PixelData, number_of_frames=module.number_of_frames, extended_offsets=offsets)
    return islice(found, module.number_of_frames)


def _checked_streams(dataset: Dataset, module: PixelModule, syntax: UID) -> list[Codestream]:
    """What each compressed frame says of itself, checked against the header before any decoder sees one; none of RLE."""
    count, streams = 0, []
    for frame in _encoded_frames(dataset, module):
        count += 1
        if syntax != RLELossless:  # RLE has no markers
            streams.append(parsed_codestream(frame))
            _check_size(streams[-1], module)
    if count < module.number_of_frames:
        raise _ends_early(module, count)
    return streams


def _ends_early(module: PixelModule, there: int) -> Refused:
    return Refused(f"The file ends too early: {module.number_of_frames} frames are due, {there} are there.")


def _check_size(found: Codestream, module: PixelModule) -> None:
    """A codestream that claims another size than the header is damage, or a bomb for its decoder."""
    claimed, due = (found.rows, found.columns), (module.rows, module.columns)
    if claimed != due:
        raise Refused(f"Damaged: the header says {due[0]}×{due[1]} pixels, the compressed data {claimed[0]}×{claimed[1]}.")
    if found.components != module.samples_per_pixel:
        raise Refused(f"Damaged: the compressed data has {found.components} components, not {module.samples_per_pixel}.")


def _form_if_kept(syntax: UID, module: PixelModule, streams: list[Codestream]) -> FrameFormat | None:
    """The format under which browsers decode these very bytes to the right values, or None: then they are recoded."""
    form = FrameFormat(
        transfer_syntax_uid=str(syntax),
        rows=module.rows,
        columns=module.columns,
        samples_per_pixel=module.samples_per_pixel,
        bits_allocated=module.bits_allocated,
        bits_stored=module.bits_stored,
        pixel_representation=module.pixel_representation,
        photometric_interpretation=module.photometric_interpretation,
    )
    return form if all(_can_keep(stream, syntax, form) for stream in streams) else None


def _can_keep(stream: Codestream, syntax: UID, form: FrameFormat) -> bool:
    if stream.kind != _KEPT_KIND[syntax] or stream.precision != form.bits_stored or form.bits_allocated not in (8, 16):
        return False
    if form.bits_allocated != (8 if stream.precision <= 8 else 16):
        return False
    photometric, colour = form.photometric_interpretation, form.samples_per_pixel == 3
    if stream.kind == "jpeg":
        return form.pixel_representation == 0 and (not colour or stream.is_ycbcr == photometric.startswith("YBR"))
    if stream.kind == "jpeg-ls":
        if colour:
            return stream.interleave == 2 and photometric == "RGB" and form.pixel_representation == 0
        return form.pixel_representation == 0 or form.bits_stored == form.bits_allocated
    return stream.is_signed == bool(form.pixel_representation) and (
        not colour or photometric in ("RGB", "YBR_RCT", "YBR_ICT")
    )


def _kept(frames: Iterable[bytes], form: FrameFormat, module: PixelModule, blob: BinaryIO) -> StoredFrames:
    digest = _digest_start(form)
    middle: Pixels | None = None
    lengths: list[int] = []
    for index, frame in enumerate(frames):
        pixels = _decoded(frame, form)
        digest.update(np.ascontiguousarray(pixels).data)
        lengths.append(blob.write(frame))
        if index == module.number_of_frames // 2:
            middle = pixels
    assert middle is not None
    return StoredFrames(form, _ranges(lengths), digest.hexdigest(), middle)


def _decoded(frame: bytes, form: FrameFormat) -> Pixels:
    try:
        return decoded_frame(frame, form)
    except MemoryError:
        raise
    except Exception as error:
        raise decoding_refusal(error, form.transfer_syntax_uid) from error


def _recoded(
    decoded: Iterable[Pixels],
    dataset: Dataset,
    module: PixelModule,
    blob: BinaryIO,
    *,
    keep_raw: bool,
    blank: Callable[[Pixels, str], Pixels] | None = None,
) -> StoredFrames:
    """Store decoded values: raw what came raw, all else as JPEG-LS where that is smaller."""
    form: FrameFormat | None = None
    lengths: list[int] = []
    digest: Any = None
    middle: Pixels | None = None
    note = ""
    for index, pixels in enumerate(decoded):
        pixels, photometric, changed = _colour_settled(pixels, dataset, module)
        note = note or changed
        if blank is not None:
            pixels = blank(pixels, photometric)
        if form is None:
            form = _form_of(pixels, module, photometric, ExplicitVRLittleEndian if keep_raw else JPEGLSLossless)
            digest = _digest_start(form)
        values = np.ascontiguousarray(pixels, dtype=form.dtype)
        if values.shape != form.shape:
            raise Refused("Damaged: its frames decode to different sizes.")
        digest.update(values.data)
        lengths.append(_write_encoded(values, form, blob))
        if index == module.number_of_frames // 2:
            middle = values
        if index + 1 == module.number_of_frames:
            break
    if form is None or middle is None or len(lengths) < module.number_of_frames:
        raise _ends_early(module, len(lengths))
    if form.transfer_syntax_uid == JPEGLSLossless:
        lengths, form = _raw_if_smaller(lengths, form, blob)
    if blank is not None:
        note = ", ".join(filter(None, (note, _BLANKED)))
    return StoredFrames(form, _ranges(lengths), digest.hexdigest(), middle, note)


def _native_values(dataset: Dataset, module: PixelModule, syntax: UID) -> Iterator[Pixels]:
    """Frames of uncompressed pixels as pydicom understands them: RGB of YBR, unused bits cleared."""
    dataset.PixelData.seek(0)
    try:
        for pixels, found in get_decoder(syntax).iter_array(dataset, raw=True, view_only=True):
            yield pixels.astype(np.uint8) if module.bits_allocated == 1 else rgb_of(pixels, found)
    except MemoryError:
        raise
    except Exception as error:
        raise decoding_refusal(error, syntax) from error


def _decoded_values(frames: Iterable[bytes], dataset: Dataset, module: PixelModule, syntax: UID) -> Iterator[Pixels]:
    """Compressed frames decoded one by one (pydicom's own iteration fails on what GDCM returns read-only)."""
    decoder = _decoder(syntax)
    options = {
        "rows": module.rows,
        "columns": module.columns,
        "number_of_frames": 1,
        "samples_per_pixel": module.samples_per_pixel,
        "bits_allocated": module.bits_allocated,
        "bits_stored": module.bits_stored,
        "pixel_representation": module.pixel_representation,
        "photometric_interpretation": module.photometric_interpretation,
        "planar_configuration": int(dataset.get("PlanarConfiguration") or 0),
        "pixel_keyword": "PixelData",
    }
    for frame in frames:
        try:
            if syntax in _TWELVE_BIT_JPEG and (precision := parsed_codestream(frame).precision) > 8:
                yield decoded_jpeg12(frame, module.rows, module.columns, precision)
            else:
                yield rgb_of(*decoder.as_array(encapsulate([frame], has_bot=False), index=0, raw=True, **options))
        except (Refused, MemoryError):
            raise
        except Exception as error:
            raise decoding_refusal(error, syntax) from error


def decoding_refusal(error: Exception, syntax: str) -> Refused:
    """A decoder's failure in a reader's words."""
    text = " ".join(str(error).split())
    if "does not support" in text or "not supported" in text or isinstance(error, NotImplementedError):
        return Refused(f"Its compression ({_name(UID(syntax))}) is not supported in this form.")
    return Refused("Damaged: its pixels cannot be decoded.")


def _name(syntax: UID) -> str:
    """What a transfer syntax is called; one that the standard does not know may be anybody's number and is not repeated."""
    return syntax.name if syntax.is_transfer_syntax and not syntax.is_private else "an unknown one"


def _colour_settled(pixels: Pixels, dataset: Dataset, module: PixelModule) -> tuple[Pixels, str, str]:
    """(values, photometric, note) that a browser shows: palettes become RGB, colour of more than 8 bits becomes 8."""
    if module.photometric_interpretation == "PALETTE COLOR":
        try:
            coloured = apply_color_lut(pixels, dataset)
        except MemoryError:
            raise
        except Exception as error:
            raise Refused("Damaged: its colour palette cannot be used.") from error
        if coloured.dtype.itemsize == 2:
            low, high = coloured & 0xFF, coloured >> 8
            exact = not low.any() or bool((low == high).all())
            return high.astype(np.uint8), "RGB", "Palette applied" + ("" if exact else ", colour reduced to 8 bits")
        return coloured, "RGB", "Palette applied"
    if pixels.ndim == 3:
        if module.bits_allocated > 8:
            return (pixels >> (module.bits_stored - 8)).astype(np.uint8), "RGB", "Colour reduced to 8 bits"
        return pixels, "RGB", ""
    return pixels, module.photometric_interpretation, ""


def _form_of(pixels: Pixels, module: PixelModule, photometric: str, syntax: UID) -> FrameFormat:
    """Format of decoded values: signed ones use all allocated bits, so that every viewer sees the sign."""
    allocated = pixels.dtype.itemsize * 8
    if allocated > 16 or pixels.dtype.kind not in "iu":
        raise Refused(f"Its pixels have {allocated} bits; up to 16 can be shown.")
    signed = pixels.dtype.kind == "i"
    stored = allocated if signed or pixels.ndim == 3 else min(max(module.bits_stored, 1), allocated)
    if not signed and int(pixels.max(initial=0)) >> stored:
        stored = allocated
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    return FrameFormat(str(syntax), pixels.shape[0], pixels.shape[1], samples, allocated, stored, int(signed), photometric)


def _write_encoded(values: Pixels, form: FrameFormat, blob: BinaryIO) -> int:
    """Write one frame in the form's encoding, proven by decoding it again; how many bytes it takes."""
    if form.transfer_syntax_uid == ExplicitVRLittleEndian:
        return blob.write(values.data)
    if not form.pixel_representation and int(values.max(initial=0)) >> form.bits_stored:
        raise Refused("Damaged: its frames use more bits than the header says.")
    frame = bytes(
        encode_pixel_data(
            values.tobytes(),
            rows=form.rows,
            columns=form.columns,
            samples_per_pixel=form.samples_per_pixel,
            bits_stored=form.bits_stored,
            interleave_mode=2 if form.samples_per_pixel > 1 else 0,
        )
    )
    if not np.array_equal(decoded_frame(frame, form), values):
        raise Refused("Its pixels could not be stored without loss.")
    return blob.write(frame)


def _raw_if_smaller(lengths: list[int], form: FrameFormat, blob: BinaryIO) -> tuple[list[int], FrameFormat]:
    """Noise does not compress: then raw is kept, in the place of what was written."""
    frame_bytes = int(np.prod(form.shape)) * form.dtype.itemsize
    packed_bytes, raw_bytes = sum(lengths), frame_bytes * len(lengths)
    if packed_bytes < raw_bytes:
        return lengths, form
    # Raw frames are written behind the packed ones, then moved to the begin.
    for offset, length in _ranges(lengths):
        blob.seek(offset)
        raw = decoded_frame(blob.read(length), form)
        blob.seek(0, os.SEEK_END)
        blob.write(raw.data)
    for offset in range(0, raw_bytes, _MOVED_BYTES):
        blob.seek(packed_bytes + offset)
        piece = blob.read(_MOVED_BYTES)
        blob.seek(offset)
        blob.write(piece)
    blob.truncate(raw_bytes)
    blob.seek(raw_bytes)
    return [frame_bytes] * len(lengths), replace(form, transfer_syntax_uid=str(ExplicitVRLittleEndian))


def _digest_start(form: FrameFormat) -> Any:
    return hashlib.sha256(f"{form.shape}{form.dtype.str}".encode())


def _ranges(lengths: list[int]) -> list[tuple[int, int]]:
    ranges, offset = [], 0
    for length in lengths:
        ranges.append((offset, length))
        offset += length
    return ranges
