"""pynetdicom as this product uses it: quiet, and what it receives for us as a client (C-GET) lies on disk, not in memory.

Its applications are not used (they take file names from the wire), nor its server: see `backend.dimse.upper_layer`.
"""

from __future__ import annotations

import logging
import ssl
import time
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
from pynetdicom import AE, _config
from pynetdicom.presentation import AllStoragePresentationContexts
from pynetdicom.transport import AssociationSocket

_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_RESPONSE_IDENTIFIERS = False
_config.LOG_REQUEST_IDENTIFIERS = False
_config.STORE_RECV_CHUNKED_DATASET = True
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

_LONGEST_SECONDS: Final = 120.0
MAX_PDU_BYTES: Final = 1 << 20
"""What is read of a peer at most: an association request may be longer than a piece of data."""

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


class Entity(AE):
    """Our application entity for one association as a user: what may still come on it, and why its encryption failed."""

    bytes_left: float = 64 * 1024**2
    failure: OSError | None = None


def _bounded_recv(self: AssociationSocket, nr_bytes: int) -> bytearray:
    """The next `nr_bytes`, fewer where the peer closed; OSError for what is too long, in bytes or in seconds."""
    if nr_bytes > MAX_PDU_BYTES:
        raise OSError(f"a PDU of {nr_bytes} bytes; the limit is {MAX_PDU_BYTES}")
    entity = self.assoc.ae
    if isinstance(entity, Entity):
        # A piece of an answer is not told from the next until its last has come, and all are held until then.
        entity.bytes_left -= nr_bytes
        if entity.bytes_left < 0:
            raise OSError("an answer without end")
    assert self.socket is not None
    received = bytearray(nr_bytes)
    filled, seconds = 0, self.assoc.network_timeout or _LONGEST_SECONDS
    deadline = time.monotonic() + seconds
    with memoryview(received) as view:
        while filled < nr_bytes:
            # Once connected, pynetdicom waits for ever for the rest of a PDU, and whoever asked waits with it.
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                count = self.socket.recv_into(view[filled:])
            except ssl.SSLError as error:
                # Of TLS 1.3 the refusal of our certificate comes when we have thought all was agreed on.
                if isinstance(entity, Entity):
                    entity.failure = error
                raise
            if not count:
                break
            filled += count
    self.socket.settimeout(seconds)  # of what is sent next
    del received[filled:]
    return received


# pynetdicom itself reads 4 kB at a time, into memory, whatever length a peer claims; there is no other way to say so.
AssociationSocket.recv = _bounded_recv  # type: ignore[method-assign]
