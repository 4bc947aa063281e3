"""The acceptor's side of the DICOM upper layer (PS3.8): one blocking connection, bounded in memory and in time.

pynetdicom reads and writes the association's own PDUs; data are passed on as they come, a piece at a time, so an object
costs no memory. pynetdicom's server would do the same through three queues, two polling threads and 4 kB reads, and would
take a PDU of any length into memory; measured beside this, it takes a third as many objects a second at 2.4 times the CPU.
"""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydicom.uid import UID
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID
from pynetdicom._globals import APPLICATION_CONTEXT_NAME
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import PresentationContext, negotiate_as_acceptor

from backend.dimse.network import MAX_PDU_BYTES
from backend.dimse.tls import failure_reason

ANNOUNCED_PDU_BYTES: Final = 131_072
"""What peers are told; dcmtk sends no longer ones whatever it is told."""
_ASSOCIATE, _DATA, _RELEASE, _ABORT = 0x01, 0x04, 0x05, 0x07
_UNRECOGNISED, _UNEXPECTED, _INVALID = 0x01, 0x02, 0x06
_VERSION_NAME: Final = "OVERREAD"
_UNREADABLE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pynetdicom raises on bytes that are no association request."""


class Ended(Exception):
    """The peer released or aborted, closed the connection, or fell silent."""


class HandshakeFailed(Ended):
    """The peer speaks no TLS, or none that is allowed, or its certificate is none of those that are."""


class ProtocolError(Exception):
    """What came is no DICOM, or comes in the wrong place; `reason` is that of an A-ABORT (PS3.8 Table 9-26)."""

    def __init__(self, message: str, reason: int = _INVALID) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """An association request: the titles, and the request itself for the negotiation."""

    called: str
    calling: str
    primitive: A_ASSOCIATE


@dataclass(frozen=True, slots=True)
class AcceptedContext:
    """What a presentation context id stands for in this association."""

    abstract_syntax: str
    transfer_syntax: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a message; `data` is valid until the next one is asked for."""

    context_id: int
    is_command: bool
    is_last: bool
    data: memoryview


class AcceptedConnection:
    """A connection that somebody opened to us. `seconds`: how long it may be silent, or take for one PDU."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._socket = connection
        self._seconds = seconds
        self._buffer = bytearray(ANNOUNCED_PDU_BYTES + 64)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(None)
        whole, part = int(seconds), int(seconds % 1 * 1_000_000)
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            connection.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, part))
        self.is_encrypted = False

    def encrypt(self, context: ssl.SSLContext) -> None:
        """Begin with TLS, before anything else is said; HandshakeFailed with the reason."""
        self._socket.settimeout(self._seconds)  # for all of it: a timeout of the system's would begin anew with each byte
        try:
            encrypted = context.wrap_socket(self._socket, server_side=True)
        except OSError as error:
            raise HandshakeFailed(failure_reason(error)) from error
        encrypted.settimeout(None)
        self._socket, self.is_encrypted = encrypted, True

    def request(self) -> Request:
        """The association request with which every connection begins."""
        kind, body = self._pdu()
        if kind != _ASSOCIATE:
            raise ProtocolError("it does not begin with an association request", _UNEXPECTED)
        pdu = A_ASSOCIATE_RQ()
        try:
            pdu.decode(bytes(struct.pack(">BBL", kind, 0, len(body))) + bytes(body))
            primitive = pdu.to_primitive()
            return Request(primitive.called_ae_title, primitive.calling_ae_title, primitive)
        except _UNREADABLE as error:
            raise ProtocolError(f"its association request cannot be read ({type(error).__name__})") from error

    def accept(self, request: Request, supported: Sequence[PresentationContext]) -> Mapping[int, AcceptedContext]:
        """Agree on presentation contexts and say so; those agreed on by id."""
        try:
            results, encoded = _agreed(request.primitive, supported)
        except _UNREADABLE as error:
            raise ProtocolError(f"what it proposes cannot be read ({type(error).__name__})") from error
        self._send(encoded)
        return {
            context.context_id: AcceptedContext(str(context.abstract_syntax), str(context.transfer_syntax[0]))
            for context in results
            if context.result == 0x00 and context.context_id is not None
        }

    def reject(self, *, result: int, source: int, diagnostic: int) -> None:
        """Refuse the association (PS3.8 Table 9-21)."""
        answer = A_ASSOCIATE()
        answer.result, answer.result_source, answer.diagnostic = result, source, diagnostic
        pdu = A_ASSOCIATE_RJ()
        pdu.from_primitive(answer)
        self._send(pdu.encode())

    def abort(self, reason: int) -> None:
        """End the association as its provider (A-P-ABORT)."""
        self._send(struct.pack(">BBLBBBB", _ABORT, 0, 4, 0, 0, 2, reason))

    def fragments(self) -> Iterator[Fragment]:
        """Pieces of messages until the peer releases the association; Ended or ProtocolError otherwise."""
        while True:
            kind, body = self._pdu()
            if kind == _RELEASE:
                self._send(struct.pack(">BBLL", 0x06, 0, 4, 0))
                return
            if kind == _ABORT:
                raise Ended("aborted by the peer")
            if kind != _DATA:
                raise ProtocolError("it sends what belongs elsewhere", _UNEXPECTED)
            yield from _pieces(body)

    def respond(self, context_id: int, command: bytes) -> None:
        """Send a command set without a data set."""
        length = len(command) + 2
        self._send(struct.pack(">BBLLBB", _DATA, 0, length + 4, length, context_id, 0x03) + command)

    def close(self) -> None:
        """Let the last answer arrive, then close."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 1, 0))
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket.unwrap()
            else:
                self._socket.shutdown(socket.SHUT_WR)
                self._socket.recv(1)
        except OSError:
            pass  # it has closed already
        except ValueError:
            pass  # its hand-shake never came to an end
        self._socket.close()

    def break_off(self) -> None:
        """Wake whoever waits on this connection: it is over."""
        try:
            # Not that of a socket of TLS, which would let whoever reads just now read on without it.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            return  # it is over already

    def _pdu(self) -> tuple[int, memoryview]:
        head = self._read(6)
        kind, _, length = struct.unpack(">BBL", head)
        if not 1 <= kind <= 7:
            raise ProtocolError("it is no DICOM", _UNRECOGNISED)
        if length > (MAX_PDU_BYTES if kind == _ASSOCIATE else ANNOUNCED_PDU_BYTES + 32):
            raise ProtocolError(f"a PDU of {length} bytes is too long")
        return kind, self._read(length)

    def _read(self, length: int) -> memoryview:
        if length > len(self._buffer):
            self._buffer = bytearray(length)
        # TLS knows no flags; it gives a record of 16 kB at a time.
        flags = 0 if self.is_encrypted else socket.MSG_WAITALL
        view, filled, deadline = memoryview(self._buffer)[:length], 0, time.monotonic() + self._seconds
        while filled < length:
            try:
                if sys.platform == "linux":
                    # The peer's last, short segment waits for our acknowledgement (Nagle): that must not wait as well.
                    self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                count = self._socket.recv_into(view[filled:], length - filled, flags)
            except (BlockingIOError, ssl.SSLWantReadError) as error:
                raise Ended(f"silent for {self._seconds:.0f} s") from error
            except OSError as error:
                raise Ended(error.strerror or "the connection broke") from error
            if not count:
                raise Ended("closed by the peer")
            filled += count
            if filled < length and time.monotonic() > deadline:
                raise Ended(f"a PDU took more than {self._seconds:.0f} s")
        return view

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Ended(error.strerror or "the connection broke") from error


def _agreed(asked: A_ASSOCIATE, supported: Sequence[PresentationContext]) -> tuple[Sequence[PresentationContext], bytes]:
    """The presentation contexts, accepted or not, and the answer that says so (PS3.8 section 7.1.1)."""
    roles = {
        item.sop_class_uid: (item.scu_role, item.scp_role)
        for item in asked.user_information
        if isinstance(item, SCP_SCU_RoleSelectionNegotiation)
    }
    results, role_items = negotiate_as_acceptor(asked.presentation_context_definition_list, list(supported), roles)
    answer = A_ASSOCIATE()
    answer.application_context_name = UID(APPLICATION_CONTEXT_NAME)
    answer.calling_ae_title, answer.called_ae_title = asked.calling_ae_title, asked.called_ae_title
    answer.result, answer.result_source = 0x00, 0x01
    answer.presentation_context_definition_results_list = results
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    version = ImplementationVersionNameNotification()
    length.maximum_length_received = ANNOUNCED_PDU_BYTES
    implementation.implementation_class_uid = PYNETDICOM_IMPLEMENTATION_UID
    version.implementation_version_name = _VERSION_NAME
    answer.user_information = [length, implementation, version, *role_items]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(answer)
    return results, pdu.encode()


def _pieces(body: memoryview) -> Iterator[Fragment]:
    """The presentation data values of a P-DATA-TF (PS3.8 section 9.3.5, Annex E)."""
    offset = 0
    while offset < len(body):
        if offset + 6 > len(body):
            raise ProtocolError("a piece of data is cut")
        length, context_id, control = struct.unpack_from(">LBB", body, offset)
        if length < 2 or offset + 4 + length > len(body):
            raise ProtocolError("a piece of data is longer than what holds it")
        yield Fragment(context_id, bool(control & 1), bool(control & 2), body[offset + 6 : offset + 4 + length])
        offset += 4 + length
