"""pynetdicom as this product uses it: fenced, quiet, its data sets on disk. Import it before any of pynetdicom's parts.

Its own applications and default handlers are not used (they take file names from the wire), a PDU longer than `MAX_PDU_BYTES`
ends the connection instead of filling the memory, and nothing of a data set is logged.
"""

from __future__ import annotations

import logging
import socket
from contextlib import suppress
from typing import Final

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
    ImplicitVRLittleEndian,
    JPEG2000,
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
from pynetdicom.transport import AssociationSocket

_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.LOG_REQUEST_IDENTIFIERS = False
_config.STORE_RECV_CHUNKED_DATASET = True
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

ANNOUNCED_PDU_BYTES: Final = 131_072
"""What peers are told; dcmtk sends no longer ones whatever it is told."""
MAX_PDU_BYTES: Final = 1 << 20
"""What is read at most: an association request may be longer than a piece of data."""

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


class FencedSocket(AssociationSocket):
    """A connection that reads long pieces at once, never waits for ever, and takes no PDU that is too long."""

    def recv(self, nr_bytes: int) -> bytearray:
        """The next `nr_bytes`; fewer where the peer closed. OSError for a PDU that is too long or a silent peer."""
        if nr_bytes > MAX_PDU_BYTES:
            raise OSError(f"a PDU of {nr_bytes} bytes; the limit is {MAX_PDU_BYTES}")
        assert self.socket is not None
        received = bytearray(nr_bytes)
        view, filled = memoryview(received), 0
        while filled < nr_bytes:
            count = self.socket.recv_into(view[filled:])
            if not count:
                break
            filled += count
        view.release()
        with suppress(OSError, AttributeError):
            # The peer's last, short segment waits for our acknowledgement (Nagle); ours must not wait as well.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        del received[filled:]
        return received
