"""pynetdicom as this product uses it: quiet, and what it receives for us as a client (C-GET) lies on disk, not in memory.

Its applications are not used (they take file names from the wire), nor its server: see `backend.dimse.upper_layer`.
"""

from __future__ import annotations

import logging
from typing import Final

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)
from pynetdicom import _config
from pynetdicom.presentation import AllStoragePresentationContexts

_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.LOG_REQUEST_IDENTIFIERS = False
_config.STORE_RECV_CHUNKED_DATASET = True
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

UNCOMPRESSED: Final[tuple[UID, ...]] = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
COMPRESSED: Final[tuple[UID, ...]] = (
    JPEGLSLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLossless,
    RLELossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSNearLossless,
    JPEG2000,
    HTJ2K,
)
TRANSFER_SYNTAXES: Final[tuple[UID, ...]] = (
    *UNCOMPRESSED,
    *COMPRESSED,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
STORAGE_CLASSES: Final[tuple[UID, ...]] = tuple(
    context.abstract_syntax for context in AllStoragePresentationContexts if context.abstract_syntax is not None
)
