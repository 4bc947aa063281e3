"""12-bit JPEG, sequential or progressive, through GDCM itself: its plug-in refuses it, and other decoders are not free."""

from __future__ import annotations

import gdcm
import numpy as np

from backend.dicom.refusal import Refused
from backend.dicom.stored_frames import Pixels


def decoded_jpeg12(frame: bytes, rows: int, columns: int, precision: int) -> Pixels:
    """(rows, columns) of a grey JPEG frame of 9 to 12 bits; Refused if GDCM cannot."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType("1.2.840.10008.1.2.4.51")))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, precision, precision - 1, 0))
    values = image.GetBuffer().encode("utf-8", "surrogateescape")  # GDCM gives its bytes as text
    if len(values) != rows * columns * 2:
        raise Refused("Damaged: its pixels cannot be decoded.")
    return np.frombuffer(values, dtype="<u2").reshape(rows, columns)
