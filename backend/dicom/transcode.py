"""Decoded frames in the encodings that a caller may ask for; all of them keep every value."""

from __future__ import annotations

from typing import Final

import numpy as np
from jpeg_ls import encode_pixel_data
from pydicom.pixels import get_encoder
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from backend.dicom.stored_frames import FrameFormat, Pixels

TARGET_SYNTAXES: Final = tuple(map(str, (ExplicitVRLittleEndian, JPEGLSLossless, JPEG2000Lossless, RLELossless)))
_BITS: Final = frozenset({8, 16})
"""A sample of one bit goes as it is stored: no compression here knows it."""


def can_encode(form: FrameFormat, syntax: str) -> bool:
    """Whether frames of this kind can be had in the transfer syntax."""
    return syntax in TARGET_SYNTAXES and (syntax == ExplicitVRLittleEndian or form.bits_allocated in _BITS)


def encoded_frame(pixels: Pixels, form: FrameFormat, syntax: str) -> bytes:
    """A decoded frame in the transfer syntax; colour is RGB, by pixel (RLE: by plane, as PS3.5 G.2 has it)."""
    values = np.ascontiguousarray(pixels, dtype=form.dtype)
    if syntax == ExplicitVRLittleEndian:
        return values.tobytes()
    # A negative value occupies all allocated bits; CharLS knows no sign, and no less than two bits.
    bits = form.bits_allocated if form.pixel_representation else max(form.bits_stored, 2)
    if syntax == JPEGLSLossless:
        encoded = encode_pixel_data(
            values.tobytes(),
            rows=form.rows,
            columns=form.columns,
            samples_per_pixel=form.samples_per_pixel,
            bits_stored=bits,
            interleave_mode=2 if form.samples_per_pixel > 1 else 0,
        )
        return bytes(encoded)
    frame = get_encoder(UID(syntax)).encode(
        values.tobytes(),
        index=0,
        encoding_plugin="pylibjpeg",
        rows=form.rows,
        columns=form.columns,
        number_of_frames=1,
        samples_per_pixel=form.samples_per_pixel,
        bits_allocated=form.bits_allocated,
        bits_stored=bits,
        pixel_representation=form.pixel_representation,
        photometric_interpretation=photometric_of(form),
        planar_configuration=0,
    )
    return bytes(frame)


def photometric_of(form: FrameFormat) -> str:
    """The Photometric Interpretation of decoded frames: whatever colour was stored as, it is RGB."""
    return "RGB" if form.samples_per_pixel > 1 else form.photometric_interpretation
