"""Who may open an association with our receiver: the called AE title leads to a project, whose nodes are the allow-list."""

from __future__ import annotations

from typing import Final

from backend.dimse.addresses import may_send_from, plain_address
from backend.dimse.models import NodeKind, ReceivingTitle, RemoteNode
from backend.dimse.spool import Sender

CALLED_UNKNOWN: Final = 0x07
CALLING_UNKNOWN: Final = 0x03


class NotAdmitted(Exception):
    """The association is rejected; result, source and diagnostic are those of PS3.8 Table 9-21."""

    def __init__(self, message: str, *, diagnostic: int, result: int = 1, source: int = 1) -> None:
        super().__init__(message)
        self.result = result
        self.source = source
        self.diagnostic = diagnostic


def admitted_sender(*, called: str, calling: str, address: str, is_encrypted: bool) -> Sender:
    """The sender under whose name objects are kept; NotAdmitted where title or address are on no list, or TLS is missing."""
    title = ReceivingTitle.objects.filter(ae_title=called.strip()).first()
    if title is None:
        raise NotAdmitted(f"no project receives as {called!r}", diagnostic=CALLED_UNKNOWN)
    nodes = RemoteNode.objects.filter(
        project_id=title.project_id, kind=NodeKind.DIMSE, may_send=True, ae_title=calling.strip()
    )
    peer = plain_address(address)
    allowed = [node for node in nodes if may_send_from(peer, node.host, node.sends_from)]
    if not allowed:
        raise NotAdmitted(f"{calling!r} at {address} may not send to {called!r}", diagnostic=CALLING_UNKNOWN)
    if not is_encrypted and all(node.uses_tls for node in allowed):
        raise NotAdmitted(f"{calling!r} at {address} must send to {called!r} by TLS", diagnostic=CALLING_UNKNOWN)
    return Sender(str(title.project_id), calling.strip(), str(peer))
