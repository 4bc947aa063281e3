"""Decode one frame as it is stored: the only decoder that the rest of the product needs, four encodings wide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jpeg_ls import decode_pixel_data
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels import convert_color_space, get_decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
)

Pixels = NDArray[np.integer[Any]]
_BAND_PIXELS: Final = 1 << 20
_LUMINANCE: Final = frozenset({"YBR_FULL", "YBR_FULL_422"})

STORED_TRANSFER_SYNTAXES: Final = frozenset(
    str(uid)
    for uid in (ExplicitVRLittleEndian, JPEGLSLossless, JPEGLSNearLossless, JPEG2000, JPEG2000Lossless, JPEGBaseline8Bit)
)


# CharLS takes 40 % of GDCM's time for the same values.
_PLUGIN: Final = {str(uid): "pyjpegls" for uid in (JPEGLSLossless, JPEGLSNearLossless)}


@dataclass(frozen=True)
class FrameFormat:
    """How the frames of one instance are stored."""

    transfer_syntax_uid: str
    rows: int
    columns: int
    samples_per_pixel: int
    bits_allocated: int
    bits_stored: int
    pixel_representation: int
    photometric_interpretation: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """Little-endian integer type of a decoded sample."""
        return np.dtype(f"<{'i' if self.pixel_representation else 'u'}{self.bits_allocated // 8}")

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns) of grey, (rows, columns, 3) of colour."""
        return (
            (self.rows, self.columns) if self.samples_per_pixel == 1 else (self.rows, self.columns, self.samples_per_pixel)
        )


def decoded_frame(data: bytes, form: FrameFormat) -> Pixels:
    """Stored bytes of one frame as stored values: (rows, columns) of grey, (rows, columns, 3) RGB of colour."""
    if form.transfer_syntax_uid == ExplicitVRLittleEndian:
        return np.frombuffer(data, dtype=form.dtype, count=int(np.prod(form.shape))).reshape(form.shape)
    if form.transfer_syntax_uid in _PLUGIN and (plain := _plain_jpeg_ls(data, form)) is not None:
        return plain
    decoder = get_decoder(UID(form.transfer_syntax_uid))
    pixels, found = decoder.as_array(
        encapsulate([data], has_bot=False),
        index=0,
        raw=True,
        decoding_plugin=_PLUGIN.get(form.transfer_syntax_uid, ""),
        rows=form.rows,
        columns=form.columns,
        number_of_frames=1,
        samples_per_pixel=form.samples_per_pixel,
        bits_allocated=form.bits_allocated,
        bits_stored=form.bits_stored,
        pixel_representation=form.pixel_representation,
        photometric_interpretation=form.photometric_interpretation,
        planar_configuration=0,
        pixel_keyword="PixelData",
    )
    return np.ascontiguousarray(rgb_of(pixels, found), dtype=form.dtype)


def rgb_of(pixels: Pixels, found: Mapping[str, Any]) -> Pixels:
    """Colour that pydicom decoded without converting it, as RGB: band by band, for a pixel takes 12 bytes meanwhile.

    `found`: what pydicom says of these pixels; grey ones are given back as they are.
    """
    if found["photometric_interpretation"] not in _LUMINANCE:
        return pixels
    rgb = np.empty_like(pixels)
    height = max(_BAND_PIXELS // pixels.shape[1], 1)
    for top in range(0, pixels.shape[0], height):
        band = slice(top, top + height)
        rgb[band] = convert_color_space(pixels[band], "YBR_FULL", "RGB")
    return rgb


def _plain_jpeg_ls(data: bytes, form: FrameFormat) -> Pixels | None:
    """Grey JPEG-LS of all the form's bits, without what pydicom asks around it; None of all else."""
    if form.samples_per_pixel != 1 or (form.pixel_representation and form.bits_stored != form.bits_allocated):
        return None
    values, _ = decode_pixel_data(data)
    if len(values) != form.rows * form.columns * form.dtype.itemsize:
        return None
    return np.frombuffer(values, dtype=form.dtype).reshape(form.shape)
