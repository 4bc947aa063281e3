"""The DICOM receiver: Storage and Verification as a provider. It spools and acknowledges; an import follows behind it.

Statuses are those of PS3.4 Table B.2-1: 0000 only for what lies durably on disk, A700 while there is no room, A900 and
C000 for what is no data set of its class, 0122 for a class that was not agreed on.
"""

from __future__ import annotations

import errno
import logging
import resource
import shutil
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from pynetdicom.presentation import PresentationContext, build_context

from backend.dicom.leading_uids import NotADataset, leading_uids
from backend.dimse.admission import NotAdmitted, admitted_sender
from backend.dimse.commands import C_ECHO_RQ, C_STORE_RQ, BadCommand, Command, decoded_command, encoded_response
from backend.dimse.hand_over import hand_over
from backend.dimse.network import STORAGE_CLASSES, TRANSFER_SYNTAXES, UNCOMPRESSED
from backend.dimse.spool import IncomingFile, Sender, Spool
from backend.dimse.upper_layer import AcceptedConnection, AcceptedContext, Ended, Fragment, HandshakeFailed, ProtocolError

logger = logging.getLogger(__name__)

SUCCESS: Final = 0x0000
CLASS_NOT_SUPPORTED: Final = 0x0122
UNRECOGNISED_OPERATION: Final = 0x0211
OUT_OF_RESOURCES: Final = 0xA700
OTHER_CLASS: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
_VERIFICATION: Final = "1.2.840.10008.1.1"
_HEAD_BYTES: Final = 4096
_COMMAND_BYTES: Final = 1 << 16
_STACK_BYTES: Final = 1 << 20
_HAND_OVER_SECONDS: Final = 0.5
_STATUS_SECONDS: Final = 1.0


def supported_contexts() -> list[PresentationContext]:
    """Verification, and every storage class in every transfer syntax that the archive reads."""
    storage = [build_context(storage_class, list(TRANSFER_SYNTAXES)) for storage_class in STORAGE_CLASSES]
    return [build_context(_VERIFICATION, list(UNCOMPRESSED)), *storage]


class Receiver:
    """Listens from `start` to `stop`, plain on `port`, by TLS on `tls_port`; None: not so. 0 becomes the port it got."""

    def __init__(
        self, *, host: str, port: int | None, tls_port: int | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.spool = Spool(settings.SPOOL_DIR)
        self._contexts = supported_contexts()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[AcceptedConnection] = set()
        self._room = _Room()
        self._threads: list[threading.Thread] = []
        self._listeners: list[tuple[socket.socket, ssl.SSLContext | None]] = []
        self.port = self._listen_on(host, port, None)
        self.tls_port = self._listen_on(host, tls_port, tls) if tls is not None else None

    def _listen_on(self, host: str, port: int | None, tls: ssl.SSLContext | None) -> int | None:
        if port is None:
            return None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=64)
        self._listeners.append((listener, tls))
        return int(listener.getsockname()[1])

    def start(self) -> None:
        """Take associations, and hand over what an earlier process left."""
        self._threads = [threading.Thread(target=self._hand_over_again_and_again, daemon=True)]
        self._threads += [threading.Thread(target=self._listen, args=one, daemon=True) for one in self._listeners]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take nothing more; what is in the spool stays for the next start."""
        self._stopping.set()
        for listener, _ in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # closing alone does not wake who waits in accept
            listener.close()
        with self._lock:
            for connection in self._open:
                connection.break_off()

    def is_busy(self) -> bool:
        """Whether a thread of it is still at work."""
        return bool(self._open) or any(thread.is_alive() for thread in self._threads)

    def _listen(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        while not self._stopping.is_set():
            try:
                accepted, address = listener.accept()
            except OSError as error:
                if not self._stopping.is_set():
                    logger.warning("cannot take a connection: %s", error)
                    time.sleep(0.1)  # too many open files, say: let some end
                continue
            connection = AcceptedConnection(accepted, settings.DICOM_IDLE_SECONDS)
            with self._lock:
                # Twice the associations: a rejection needs a connection, and silent ones must not use up all threads.
                has_room = len(self._open) < 2 * settings.DICOM_ASSOCIATIONS
                is_beyond = len(self._open) >= settings.DICOM_ASSOCIATIONS
                if has_room:
                    self._open.add(connection)
            if has_room:
                given = (connection, tls, address[0], is_beyond)
                threading.Thread(target=self._serve, args=given, daemon=True).start()
            else:
                accepted.close()

    def _serve(self, connection: AcceptedConnection, tls: ssl.SSLContext | None, address: str, is_beyond: bool) -> None:
        try:
            if tls is not None:
                connection.encrypt(tls)
            sender, contexts = self._associated(connection, address, is_beyond)
            if sender is None:
                return
            self.spool.join(sender)
            try:
                _Conversation(connection, contexts, sender, self.spool, self._room).run()
            finally:
                self.spool.leave(sender)
        except HandshakeFailed as failure:
            logger.warning("connection from %s is refused: %s", address, failure)
        except Ended as end:
            logger.info("association from %s: %s", address, end)
        except ProtocolError as error:
            logger.warning("connection from %s: %s", address, error)
            with suppress(Ended):
                connection.abort(error.reason)
        except MemoryError:
            logger.error("connection from %s: no memory left", address)
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def _associated(
        self, connection: AcceptedConnection, address: str, is_beyond: bool
    ) -> tuple[Sender | None, Mapping[int, AcceptedContext]]:
        request = connection.request()
        try:
            if is_beyond:
                raise NotAdmitted("too many associations", result=2, source=3, diagnostic=2)
            sender = admitted_sender(
                called=request.called, calling=request.calling, address=address, is_encrypted=connection.is_encrypted
            )
            return sender, connection.accept(request, self._contexts)
        except NotAdmitted as refusal:
            logger.warning("association rejected: %s", refusal)
            connection.reject(result=refusal.result, source=refusal.source, diagnostic=refusal.diagnostic)
        except DatabaseError as error:
            logger.warning("association rejected for now: %s", error)
            connection.reject(result=2, source=3, diagnostic=1)
        finally:
            connections.close_all()
        return None, {}

    def _hand_over_again_and_again(self) -> None:
        while not self._stopping.wait(_HAND_OVER_SECONDS):
            self.spool.close_due()
            try:
                close_old_connections()
                hand_over(self.spool)
            except (DatabaseError, OSError) as error:
                logger.warning("received objects wait in the spool: %s", error)
        connections.close_all()


class _Room:
    """Whether the disk has room, asked once a second at most."""

    def __init__(self) -> None:
        self._asked, self._has = 0.0, True

    def is_left(self, spool: Spool) -> bool:
        """Whether there is more than the reserve."""
        now = time.monotonic()
        if now - self._asked > _STATUS_SECONDS:
            self._asked = now
            self._has = shutil.disk_usage(spool.incoming).free > settings.DICOM_RESERVE_MB << 20
        return self._has


class _Conversation:
    """The messages of one association, one after the other."""

    def __init__(
        self,
        connection: AcceptedConnection,
        contexts: Mapping[int, AcceptedContext],
        sender: Sender,
        spool: Spool,
        room: _Room,
    ) -> None:
        self._connection = connection
        self._contexts = contexts
        self._sender = sender
        self._spool = spool
        self._room = room
        self._command = bytearray()
        self._request: Command | None = None
        self._context_id = 0
        self._file: IncomingFile | None = None
        self._head = b""
        self._status = SUCCESS

    def run(self) -> None:
        """Until the association ends; what was not received whole is removed."""
        try:
            for fragment in self._connection.fragments():
                if fragment.is_command:
                    self._take_command(fragment)
                else:
                    self._take_data(fragment)
        finally:
            self._drop()

    def _take_command(self, fragment: Fragment) -> None:
        if self._request is not None or fragment.context_id not in self._contexts:
            raise ProtocolError("a command comes where none belongs")
        self._command += fragment.data
        if len(self._command) > _COMMAND_BYTES:
            raise ProtocolError("a command is too long")
        if not fragment.is_last:
            return
        try:
            request = decoded_command(bytes(self._command))
        except BadCommand as error:
            raise ProtocolError(f"a command cannot be read: {error}") from error
        self._command.clear()
        self._request, self._context_id = request, fragment.context_id
        self._begin(request)
        if not request.has_dataset:
            self._answer()

    def _begin(self, request: Command) -> None:
        """Decide what becomes of a request before its data come; data of what is refused are read and dropped."""
        context = self._contexts[self._context_id]
        if request.field == C_ECHO_RQ:
            self._status = SUCCESS
        elif request.field != C_STORE_RQ:
            self._status = UNRECOGNISED_OPERATION
        elif request.sop_class_uid != context.abstract_syntax or context.abstract_syntax == _VERIFICATION:
            self._status = CLASS_NOT_SUPPORTED
        elif not request.sop_instance_uid or not request.has_dataset:
            self._status = CANNOT_UNDERSTAND
        elif not self._room.is_left(self._spool):
            self._status = OUT_OF_RESOURCES
        else:
            self._status = SUCCESS
            self._open_file(request, context)

    def _open_file(self, request: Command, context: AcceptedContext) -> None:
        try:
            self._file = self._spool.incoming_file(
                sop_class_uid=request.sop_class_uid,
                sop_instance_uid=request.sop_instance_uid,
                transfer_syntax=context.transfer_syntax,
            )
        except OSError as error:
            self._fail(error)

    def _take_data(self, fragment: Fragment) -> None:
        if self._request is None or fragment.context_id != self._context_id:
            raise ProtocolError("data come where none belong")
        if self._file is not None:
            if len(self._head) < _HEAD_BYTES:
                self._head += bytes(fragment.data[: _HEAD_BYTES - len(self._head)])
            try:
                self._file.write(fragment.data)
            except OSError as error:
                self._fail(error)
        if fragment.is_last:
            self._finish()
            self._answer()

    def _finish(self) -> None:
        """All of an object is here: keep it if it is what it was said to be."""
        if self._file is None or self._request is None:
            return
        self._status = _verdict(self._head, self._request, self._contexts[self._context_id])
        if self._status == SUCCESS:
            try:
                self._spool.keep(self._file, self._sender)
                self._file = None
            except OSError as error:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        logger.error("an object of %s could not be kept: %s", self._sender.calling_ae_title, error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EMFILE, errno.ENFILE)
        self._drop()
        self._status = OUT_OF_RESOURCES if full else CANNOT_UNDERSTAND

    def _answer(self) -> None:
        assert self._request is not None
        if self._status != SUCCESS:
            logger.warning("a request of %s was answered with status %04X", self._sender.calling_ae_title, self._status)
        self._connection.respond(self._context_id, encoded_response(self._request, self._status))
        self._request = None
        self._drop()

    def _drop(self) -> None:
        if self._file is not None:
            self._file.discard()
        self._file, self._head = None, b""


def _verdict(head: bytes, request: Command, context: AcceptedContext) -> int:
    """Whether a data set begins like one of its class and instance."""
    try:
        uids = leading_uids(head, context.transfer_syntax, is_whole=len(head) < _HEAD_BYTES)
    except NotADataset:
        return CANNOT_UNDERSTAND
    return SUCCESS if uids is None or uids[0] == request.sop_class_uid else OTHER_CLASS


def limit_memory(megabytes: int) -> None:
    """Bound this process's address space, whatever is sent to it, and that of each thread to come."""
    threading.stack_size(_STACK_BYTES)
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
