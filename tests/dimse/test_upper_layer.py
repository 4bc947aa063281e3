"""What a peer may send at most, and that nothing but an end or a protocol error comes of bytes that are damaged."""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import suppress

import pytest
from pynetdicom import AE
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification

from backend.dimse.commands import BadCommand, Command, decoded_command, encoded_response
from backend.dimse.receiver import supported_contexts
from backend.dimse.upper_layer import AcceptedConnection, Ended, ProtocolError

CONTEXTS = supported_contexts()


def association_request() -> bytes:
    """As any sender of CT images begins."""
    entity = AE(ae_title="SCANNER")
    for uid in ("1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.1.2"):
        entity.add_requested_context(uid)
    for number, context in enumerate(entity.requested_contexts):
        context.context_id = 2 * number + 1
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "SCANNER", "LUNGS"
    primitive.presentation_context_definition_list = entity.requested_contexts
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16_384
    implementation.implementation_class_uid = "1.2.3"
    primitive.user_information = [length, implementation]
    pdu = A_ASSOCIATE_RQ()
    pdu.from_primitive(primitive)
    return bytes(pdu.encode())


def data(context_id: int, control: int, content: bytes) -> bytes:
    return struct.pack(">BBLLBB", 4, 0, len(content) + 6, len(content) + 2, context_id, control) + content


def connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection on this machine: ours, and the peer's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        return listener.accept()[0], theirs


def served(sent: bytes) -> list[bytes]:
    """The commands and data that come of what a peer sends before it closes."""
    ours, theirs = connected()

    def send() -> None:
        with theirs, suppress(OSError):
            theirs.sendall(sent)
            theirs.shutdown(socket.SHUT_WR)
            while theirs.recv(65_536):
                pass

    thread = threading.Thread(target=send)
    thread.start()
    connection = AcceptedConnection(ours, 5.0)
    try:
        connection.accept(connection.request(), CONTEXTS)
        return [bytes(fragment.data) for fragment in connection.fragments()]
    finally:
        connection.close()
        thread.join(10)


def test_a_whole_association_is_read_to_its_release() -> None:
    release = struct.pack(">BBLL", 5, 0, 4, 0)
    assert served(association_request() + data(1, 3, b"command") + data(1, 2, b"data") + release) == [b"command", b"data"]


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        (data(1, 3, b"x" * 140_000), "too long"),
        (struct.pack(">BBLLBB", 4, 0, 6, 500, 1, 3), "longer than what holds it"),
        (struct.pack(">BBLL", 4, 0, 4, 1), "cut"),
        (struct.pack(">BBL", 2, 0, 0), "belongs elsewhere"),
        (struct.pack(">BBL", 9, 0, 0), "no DICOM"),
    ],
)
def test_what_breaks_the_protocol_is_told(sent: bytes, wrong: str) -> None:
    with pytest.raises(ProtocolError, match=wrong):
        served(association_request() + sent)


def test_damaged_bytes_end_an_association_and_do_nothing_else() -> None:
    valid = association_request() + data(1, 3, b"command") + data(3, 2, b"data" * 20)
    chance = random.Random(5)
    ends = 0
    for _ in range(300):
        mutant = bytearray(valid)
        for _ in range(chance.randint(1, 4)):
            mutant[chance.randrange(len(mutant))] = chance.randrange(256)
        if chance.random() < 0.3:
            del mutant[chance.randrange(len(mutant)) :]
        try:
            served(bytes(mutant))
        except (Ended, ProtocolError):
            ends += 1
    assert ends == 300  # none of them releases


def test_a_silent_peer_is_let_go() -> None:
    ours, theirs = connected()
    with theirs, pytest.raises(Ended, match="silent"):
        AcceptedConnection(ours, 0.2).request()
    ours.close()


def test_a_command_set_is_read_and_answered() -> None:
    def element(number: int, value: bytes) -> bytes:
        return struct.pack("<HHL", 0, number, len(value)) + value

    store = element(0x0002, b"1.2.840.10008.5.1.4.1.1.2\0") + element(0x0100, b"\x01\0") + element(0x0110, b"\x07\0")
    store += element(0x0800, b"\0\0") + element(0x1000, b"1.2.3\0")
    command = decoded_command(store)
    assert command == Command(1, 7, "1.2.840.10008.5.1.4.1.1.2", "1.2.3", True)
    answer = encoded_response(command, 0xA700)
    assert struct.unpack_from("<HHLL", answer) == (0, 0, 4, len(answer) - 12)
    assert element(0x0900, b"\0\xa7") in answer and element(0x0120, b"\x07\0") in answer
    for damaged in (store[:-1], store[8:30], b"\x08\0" + store, element(0x0100, b"\x01\0")):
        with pytest.raises(BadCommand):
            decoded_command(damaged)
