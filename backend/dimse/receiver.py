"""The DICOM receiver: Storage and Verification as a provider. It spools and acknowledges; an import follows behind it.

Statuses are those of PS3.4 Table B.2-1: 0000 only for what lies durably on disk, A700 while there is no room, A900 and C000 for
what is no data set of its class, 0122 for a class that was not agreed on.
"""

from __future__ import annotations

import errno
import logging
import resource
import shutil
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections

from backend.dicom.leading_uids import NotADataset, leading_uids
from backend.dimse.admission import NotAdmitted, admitted_sender
from backend.dimse.hand_over import hand_over
from backend.dimse.network import ANNOUNCED_PDU_BYTES, STORAGE_CLASSES, TRANSFER_SYNTAXES, FencedSocket
from backend.dimse.spool import Sender, Spool
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

logger = logging.getLogger(__name__)

SUCCESS: Final = 0x0000
CLASS_NOT_SUPPORTED: Final = 0x0122
OUT_OF_RESOURCES: Final = 0xA700
OTHER_CLASS: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
_HEAD_BYTES: Final = 4096
_STACK_BYTES: Final = 1 << 20
_HAND_OVER_SECONDS: Final = 0.5
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class _Handler(RequestHandler):
    """A connection with our own socket around it."""

    def _create_association(self) -> Association:
        association = super()._create_association()
        self.request.settimeout(settings.DICOM_IDLE_SECONDS)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association.dul.event_queue.get_nowait()  # "connected", which the socket about to be replaced has put there
        association.dul.socket = FencedSocket(association, client_socket=self.request)
        return association


class _Server(ThreadedAssociationServer):
    """Closes connections beyond twice the associations allowed, so that silent ones cannot use up all threads."""

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether there is room for another connection."""
        return len(self.active_associations) < 2 * settings.DICOM_ASSOCIATIONS


class Receiver:
    """Listens from `start` to `stop`; `port` is the one it listens on."""

    def __init__(self, *, host: str, port: int) -> None:
        self.spool = Spool(settings.SPOOL_DIR)
        self.spool.take_temporary_files()
        self._senders: dict[Association, Sender] = {}
        self._stopping = threading.Event()
        threading.stack_size(_STACK_BYTES)
        entity = AE(ae_title="OVERREAD")
        entity.maximum_pdu_size = ANNOUNCED_PDU_BYTES
        entity.maximum_associations = settings.DICOM_ASSOCIATIONS
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = settings.DICOM_IDLE_SECONDS
        entity.add_supported_context(Verification)
        for storage_class in STORAGE_CLASSES:
            entity.add_supported_context(storage_class, list(TRANSFER_SYNTAXES))
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._on_requested),
            (evt.EVT_C_STORE, self._on_store),
            (evt.EVT_CONN_CLOSE, self._on_closed),
        ]
        self._server = _Server(
            entity, (host, port), "OVERREAD", entity.supported_contexts, evt_handlers=handlers, request_handler=_Handler
        )
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Take associations, and hand over what an earlier process left."""
        for name, work in (("listen", self._listen), ("hand-over", self._hand_over_again_and_again)):
            threading.Thread(target=work, name=name, daemon=True).start()

    def stop(self) -> None:
        """Take nothing more; what is in the spool stays for the next start."""
        self._server.shutdown()
        for association in self._server.active_associations:
            association.abort()
        self._server.server_close()
        self._stopping.set()

    def wait(self) -> None:
        """Until `stop`."""
        self._stopping.wait()

    def _listen(self) -> None:
        self._server.serve_forever(poll_interval=0.2)

    def _hand_over_again_and_again(self) -> None:
        while not self._stopping.wait(_HAND_OVER_SECONDS):
            self.spool.close_due()
            try:
                close_old_connections()
                hand_over(self.spool)
            except (DatabaseError, OSError) as error:
                logger.warning("received objects wait in the spool: %s", error)

    def _on_requested(self, event: Event) -> None:
        association = event.assoc
        primitive = association.requestor.primitive
        called, calling = primitive.called_ae_title, primitive.calling_ae_title
        address = str(association.requestor.address_info.address)
        try:
            self._senders[association] = admitted_sender(called=called, calling=calling, address=address)
        except NotAdmitted as refusal:
            logger.warning("association rejected: %s", refusal)
            _reject(association, result=1, source=1, diagnostic=refusal.diagnostic)
            return
        except (DatabaseError, ValueError) as error:
            logger.warning("association rejected for now: %s", error)
            _reject(association, result=2, source=3, diagnostic=1)
            return
        finally:
            connections.close_all()
        self.spool.join(self._senders[association])

    def _on_closed(self, event: Event) -> None:
        sender = self._senders.pop(event.assoc, None)
        if sender is not None:
            self.spool.leave(sender)
        message = event.assoc.dimse.message
        if message is not None and message._data_set_path is not None:
            message._data_set_file.close()
            Path(message._data_set_path).unlink(missing_ok=True)  # the sender broke off within it

    def _on_store(self, event: Event) -> int:
        sender = self._senders.get(event.assoc)
        if sender is None:
            return CANNOT_UNDERSTAND
        request: Any = event.request
        if request.AffectedSOPClassUID != event.context.abstract_syntax:
            return CLASS_NOT_SUPPORTED
        path: Path = event.dataset_path
        status = _verdict(path, str(request.AffectedSOPClassUID), str(event.context.transfer_syntax))
        if status != SUCCESS:
            logger.warning("an object of %s was refused with status %04X", sender.calling_ae_title, status)
            return status
        try:
            self.spool.keep(path, sender)
        except OSError as error:
            logger.error("an object of %s could not be kept: %s", sender.calling_ae_title, error)
            return OUT_OF_RESOURCES
        return SUCCESS


def _verdict(path: Path, storage_class: str, transfer_syntax: str) -> int:
    if shutil.disk_usage(path.parent).free < settings.DICOM_RESERVE_MB << 20:
        return OUT_OF_RESOURCES
    with path.open("rb", buffering=0) as file:
        head = file.read(_HEAD_BYTES)
    # Behind the preamble the file has its meta information, whose first element tells its length.
    start = 144 + int.from_bytes(head[140:144], "little")
    try:
        uids = leading_uids(head[start:], transfer_syntax)
    except NotADataset:
        return CANNOT_UNDERSTAND
    return OTHER_CLASS if uids is not None and uids[0] != storage_class else SUCCESS


def _reject(association: Association, *, result: int, source: int, diagnostic: int) -> None:
    association.acse.send_reject(result, source, diagnostic)
    association.kill()


def limit_memory(megabytes: int) -> None:
    """Bound this process's address space, whatever is sent to it."""
    with suppress(ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
