"""A remote node over DIMSE: C-ECHO, C-FIND, C-MOVE to our receiver, C-GET, C-STORE, as a user of each (PS3.4)."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext, build_context, build_role

from backend.dicom.refusal import Refused
from backend.dimse.addresses import addresses_of, require_dimse_address
from backend.dimse.models import RemoteNode, Retrieval
from backend.dimse.network import COMPRESSED, UNCOMPRESSED, Entity
from backend.dimse.remote import (
    MAX_STUDIES,
    Delivery,
    FoundSeries,
    FoundStudy,
    NodeFailed,
    Received,
    SearchKeys,
    Wanted,
    loosely,
)
from backend.dimse.tls import failure_reason, node_context
from backend.jobs.services import JobCancelled

_VERIFICATION: Final = "1.2.840.10008.1.1"
_FIND: Final = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE: Final = "1.2.840.10008.5.1.4.1.2.2.2"
_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
_PENDING: Final = (0xFF00, 0xFF01)
_WARNINGS: Final = (0xB000, 0xB006, 0xB007)
_CONNECT_SECONDS: Final = 5
_ANSWER_SECONDS: Final = 20
_RETRIEVE_SECONDS: Final = 120
_MAX_SERIES: Final = 1000
_NOT_MOVED: Final = "The node could not send (status {:04X}); it must know our AE title, address and port as a destination."

# An association has room for 128 contexts: what archives of radiology hold, each uncompressed and compressed.
_RETRIEVED_CLASSES: Final = (
    "1.2.840.10008.5.1.4.1.1.1",  # CR
    "1.2.840.10008.5.1.4.1.1.1.1",  # DX for presentation
    "1.2.840.10008.5.1.4.1.1.1.1.1",  # DX for processing
    "1.2.840.10008.5.1.4.1.1.1.2",  # MG for presentation
    "1.2.840.10008.5.1.4.1.1.1.2.1",  # MG for processing
    "1.2.840.10008.5.1.4.1.1.1.3",  # intra-oral
    "1.2.840.10008.5.1.4.1.1.2",  # CT
    "1.2.840.10008.5.1.4.1.1.2.1",  # enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2",  # legacy converted enhanced CT
    "1.2.840.10008.5.1.4.1.1.3.1",  # US multi-frame
    "1.2.840.10008.5.1.4.1.1.4",  # MR
    "1.2.840.10008.5.1.4.1.1.4.1",  # enhanced MR
    "1.2.840.10008.5.1.4.1.1.4.3",  # enhanced MR colour
    "1.2.840.10008.5.1.4.1.1.4.4",  # legacy converted enhanced MR
    "1.2.840.10008.5.1.4.1.1.6.1",  # US
    "1.2.840.10008.5.1.4.1.1.6.2",  # enhanced US volume
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture
    "1.2.840.10008.5.1.4.1.1.7.1",
    "1.2.840.10008.5.1.4.1.1.7.2",
    "1.2.840.10008.5.1.4.1.1.7.3",
    "1.2.840.10008.5.1.4.1.1.7.4",
    "1.2.840.10008.5.1.4.1.1.12.1",  # XA
    "1.2.840.10008.5.1.4.1.1.12.1.1",
    "1.2.840.10008.5.1.4.1.1.12.2",  # RF
    "1.2.840.10008.5.1.4.1.1.12.2.1",
    "1.2.840.10008.5.1.4.1.1.13.1.1",  # X-ray 3D
    "1.2.840.10008.5.1.4.1.1.13.1.2",
    "1.2.840.10008.5.1.4.1.1.13.1.3",  # breast tomosynthesis
    "1.2.840.10008.5.1.4.1.1.13.1.4",
    "1.2.840.10008.5.1.4.1.1.13.1.5",
    "1.2.840.10008.5.1.4.1.1.20",  # NM
    "1.2.840.10008.5.1.4.1.1.128",  # PET
    "1.2.840.10008.5.1.4.1.1.128.1",
    "1.2.840.10008.5.1.4.1.1.130",  # enhanced PET
    "1.2.840.10008.5.1.4.1.1.77.1.1",  # visible light
    "1.2.840.10008.5.1.4.1.1.77.1.4",
    "1.2.840.10008.5.1.4.1.1.77.1.5.1",  # ophthalmic
    "1.2.840.10008.5.1.4.1.1.77.1.5.2",
    "1.2.840.10008.5.1.4.1.1.77.1.5.4",
    "1.2.840.10008.5.1.4.1.1.481.1",  # RT image
)
_RETRIEVED_OBJECTS: Final = (
    "1.2.840.10008.5.1.4.1.1.66.4",  # segmentation
    "1.2.840.10008.5.1.4.1.1.66.7",  # label map segmentation
    "1.2.840.10008.5.1.4.1.1.481.3",  # RT structure set
    "1.2.840.10008.5.1.4.1.1.88.11",  # SR
    "1.2.840.10008.5.1.4.1.1.88.22",
    "1.2.840.10008.5.1.4.1.1.88.33",
    "1.2.840.10008.5.1.4.1.1.88.34",
    "1.2.840.10008.5.1.4.1.1.11.1",  # presentation state
)


def echo(node: RemoteNode) -> None:
    """C-ECHO; NodeFailed where it is not answered."""
    with _associated(node, [build_context(_VERIFICATION)]) as association:
        if association.send_c_echo().get("Status") != 0:
            raise NodeFailed("It accepts the association, yet does not answer C-ECHO.")


def find_studies(node: RemoteNode, keys: SearchKeys) -> tuple[list[FoundStudy], bool]:
    """Studies that match, and whether there are more than are told (C-FIND, study root, level STUDY)."""
    query = _identifier("STUDY", StudyInstanceUID="", PatientSex="", NumberOfStudyRelatedSeries="")
    query.NumberOfStudyRelatedInstances = ""
    query.PatientID, query.PatientName = keys.patient_id, loosely(keys.patient_name)
    query.AccessionNumber, query.StudyDescription = keys.accession_number, loosely(keys.study_description)
    query.ModalitiesInStudy, query.StudyDate = keys.modality, keys.date_range
    answers, has_more = _found(node, query, MAX_STUDIES)
    return [_study(answer) for answer in answers if answer.get("StudyInstanceUID")], has_more


def find_series(node: RemoteNode, study: str) -> list[FoundSeries]:
    """The series of a study (C-FIND, study root, level SERIES)."""
    query = _identifier("SERIES", StudyInstanceUID=study, SeriesInstanceUID="", Modality="", SeriesNumber="")
    query.SeriesDescription = query.NumberOfSeriesRelatedInstances = ""
    answers, _ = _found(node, query, _MAX_SERIES)
    return [
        FoundSeries(
            _text(answer, "SeriesInstanceUID"),
            _text(answer, "Modality"),
            _text(answer, "SeriesNumber"),
            _text(answer, "SeriesDescription"),
            _count(answer, "NumberOfSeriesRelatedInstances"),
        )
        for answer in answers
    ]


def retrieve(node: RemoteNode, wanted: Wanted, delivery: Delivery, *, receiving_title: str) -> Received:
    """Bring a study here, as the node is set to; by C-MOVE it arrives at our receiver under `receiving_title`."""
    result = Received(announced=wanted.instances)
    query = _identifier("SERIES" if wanted.series else "STUDY", StudyInstanceUID=wanted.study)
    if wanted.series:
        query.SeriesInstanceUID = wanted.series
    if node.retrieval == Retrieval.MOVE:
        if not receiving_title:
            raise NodeFailed("C-MOVE needs our receiver: give the project an AE title, and have the receiver run.")
        with _associated(node, [build_context(_MOVE)], _RETRIEVE_SECONDS) as association:
            answers = association.send_c_move(query, receiving_title, _MOVE)
            _follow(association, answers, _MOVE, result, delivery)
        return result
    contexts = [build_context(_GET)]
    for storage_class in (*_RETRIEVED_CLASSES, *_RETRIEVED_OBJECTS):
        contexts.append(build_context(storage_class, list(UNCOMPRESSED)))
    contexts += [build_context(storage_class, list(COMPRESSED)) for storage_class in _RETRIEVED_CLASSES]
    objects = _Objects(delivery)
    before = tempfile.tempdir
    tempfile.tempdir = str(delivery.place().parent)  # where pynetdicom writes what comes
    try:
        with _associated(node, contexts, _RETRIEVE_SECONDS, handler=objects.on_store) as association:
            _follow(association, association.send_c_get(query, _GET), _GET, result, delivery, objects)
    finally:
        tempfile.tempdir = before
    return result


def send(node: RemoteNode, objects: Sequence[FileDataset]) -> Iterator[str]:
    """C-STORE each object; for each, in order, an empty text or why it was not stored.

    Each goes in its own transfer syntax, an uncompressed one in Implicit VR Little Endian where the node takes nothing else.
    """
    syntaxes: dict[str, set[str]] = {}
    for one in objects:
        own = one.file_meta.TransferSyntaxUID
        # Whoever stores uncompressed has to offer the default, too (PS3.5 section 10.1); pynetdicom encodes as was accepted.
        default = {str(ImplicitVRLittleEndian)} if own in UNCOMPRESSED else set()
        syntaxes.setdefault(str(one.SOPClassUID), set()).update({str(own)} | default)
    contexts = [build_context(uid, [syntax]) for uid, found in syntaxes.items() for syntax in sorted(found)]
    with _associated(node, contexts, _RETRIEVE_SECONDS) as association:
        for one in objects:
            yield _stored(association, one)


def _stored(association: Association, one: FileDataset) -> str:
    try:
        status = association.send_c_store(one).get("Status")
    except ValueError:
        return "The node takes no objects of this class or transfer syntax."
    except RuntimeError as error:
        raise NodeFailed("The node broke off the association.") from error
    if status is None:
        raise NodeFailed("The node does not answer any more.")
    return "" if status == 0 or status in _WARNINGS else f"The node refused it with status {status:04X}."


class _Objects:
    """What a C-GET brings, taken over on the association's own thread."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.received = 0

    def on_store(self, event: Event) -> int:
        """Take the file that pynetdicom has written."""
        target = self._delivery.place()
        Path(event.dataset_path).rename(target)
        self._delivery.arrived(target)
        self.received += 1
        return 0x0000


def _follow(
    association: Association,
    answers: Iterator[tuple[Dataset, Dataset | None]],
    model: str,
    result: Received,
    delivery: Delivery,
    objects: _Objects | None = None,
) -> None:
    """Count what the answers of a C-GET or C-MOVE tell until the last one."""
    last: int | None = None
    for status, _ in answers:
        last = status.get("Status")
        completed = sum(
            int(status.get(name) or 0) for name in ("NumberOfCompletedSuboperations", "NumberOfWarningSuboperations")
        )
        result.failed = max(result.failed, int(status.get("NumberOfFailedSuboperations") or 0))
        result.received = objects.received if objects is not None else max(result.received, completed)
        if "NumberOfRemainingSuboperations" in status:
            result.announced = result.received + result.failed + _suboperations(status, "Remaining")
        if last not in _PENDING:
            continue
        try:
            delivery.look_up(result)
        except JobCancelled:
            association.send_c_cancel(1, query_model=model)
            raise
    if objects is not None:
        result.received = objects.received
    if last is None:
        raise NodeFailed("The node broke off, or was silent for too long.")
    if last not in (0x0000, 0xB000):
        raise NodeFailed(_NOT_MOVED.format(last) if model == _MOVE and last >> 12 == 0xC else _refusal(last))


def _suboperations(status: Dataset, kind: str) -> int:
    return int(status.get(f"NumberOf{kind}Suboperations") or 0)


def _refusal(status: int) -> str:
    known = {
        0xA701: "The node is out of resources: it cannot count the matches.",
        0xA702: "The node could send none of the images (out of resources, or it could not reach our receiver).",
        0xA801: "The node does not know our AE title as a destination: enter it there, with our address and port.",
        0xA900: "The node says that the request does not match its class.",
        0xFE00: "The node stopped.",
    }
    return known.get(status, f"The node refused with status {status:04X}.")


def _found(node: RemoteNode, query: Dataset, limit: int) -> tuple[list[Dataset], bool]:
    found: list[Dataset] = []
    with _associated(node, [build_context(_FIND)]) as association:
        last: int | None = None
        for status, identifier in association.send_c_find(query, _FIND):
            last = status.get("Status")
            if last in _PENDING and identifier is not None:
                if len(found) == limit:
                    association.abort()
                    return found, True
                found.append(identifier)
        if last is None:
            raise NodeFailed("The node did not answer the search in time.")
        if last != 0:
            raise NodeFailed(_refusal(last))
    return found, False


@contextmanager
def _associated(
    node: RemoteNode, contexts: list[PresentationContext], seconds: float = 0.0, handler: Any = None
) -> Iterator[Association]:
    """An association for the time of the block; NodeFailed where there is none."""
    if node.port is None:
        raise NodeFailed("It has no port: it only sends.")
    try:
        address = addresses_of(node.host)[0]
        require_dimse_address(address)
    except Refused as refusal:
        raise NodeFailed(str(refusal)) from refusal
    seconds = seconds or _ANSWER_SECONDS
    entity = Entity(ae_title=node.calling_ae_title or "OVERREAD")
    if handler:
        entity.bytes_left = math.inf  # images, and they go to the disk
    entity.connection_timeout = _CONNECT_SECONDS
    entity.acse_timeout = _ANSWER_SECONDS
    entity.dimse_timeout = entity.network_timeout = seconds
    # A node that also gives (C-GET) is told that we take: the roles are turned round for its storage classes.
    roles = [build_role(uid, scp_role=True) for uid in {str(one.abstract_syntax) for one in contexts}] if handler else []
    try:
        tls = node_context(node.tls_authority) if node.uses_tls else None
    except Refused as refusal:
        raise NodeFailed(str(refusal)) from refusal
    association = entity.associate(
        str(address),
        node.port,
        contexts=contexts,
        ae_title=node.ae_title,
        max_pdu=131_072,
        ext_neg=[role for role in roles if role.sop_class_uid != _GET],
        evt_handlers=[(evt.EVT_C_STORE, handler)] if handler else None,
        tls_args=(tls, node.tls_name or node.host) if tls is not None else None,
    )
    if not association.is_established:
        if tls is not None and (failure := tls.failure or entity.failure) is not None:
            raise NodeFailed(f"No TLS connection: {failure_reason(failure)}.")
        raise NodeFailed(_why_not(association))
    if not _accepts_what_was_proposed(association, contexts):
        association.abort()
        raise NodeFailed("It accepts in a transfer syntax that was not proposed to it.")
    if association.acceptor.maximum_length is None:
        association.abort()
        raise NodeFailed("It does not tell how long a message to it may be.")
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def _accepts_what_was_proposed(association: Association, contexts: Sequence[PresentationContext]) -> bool:
    """Of each accepted context one of the transfer syntaxes proposed for its class (PS3.8 section 9.3.3.2)."""
    proposed = {(one.abstract_syntax, syntax) for one in contexts for syntax in one.transfer_syntax}
    accepted = association.accepted_contexts
    return all(one.transfer_syntax and (one.abstract_syntax, one.transfer_syntax[0]) in proposed for one in accepted)


def _why_not(association: Association) -> str:
    primitive = association.acceptor.primitive
    if association.is_rejected and primitive is not None:
        reasons = {
            (1, 3): "It does not know our AE title: enter it there.",
            (1, 7): "It does not go by this AE title.",
            (3, 2): "It has too many associations just now.",
            (3, 1): "It is overloaded just now.",
        }
        return reasons.get(
            (primitive.result_source or 0, primitive.diagnostic or 0), "It rejects the association without a reason we know."
        )
    if association.is_aborted and primitive is not None:
        return "It supports none of the services that this needs."
    return "It cannot be reached at this address and port, or does not answer as a DICOM node."


def _identifier(level: str, **keys: str) -> Dataset:
    query = Dataset()
    query.SpecificCharacterSet = "ISO_IR 192"
    query.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(query, keyword, value)
    return query


def _study(answer: Dataset) -> FoundStudy:
    modalities = answer.get("ModalitiesInStudy") or []
    return FoundStudy(
        study_instance_uid=_text(answer, "StudyInstanceUID"),
        patient_id=_text(answer, "PatientID"),
        patient_name=_text(answer, "PatientName"),
        patient_sex=_text(answer, "PatientSex"),
        study_date=_text(answer, "StudyDate"),
        study_description=_text(answer, "StudyDescription"),
        accession_number=_text(answer, "AccessionNumber"),
        modalities=[modalities] if isinstance(modalities, str) else [str(value) for value in modalities],
        number_of_series=_count(answer, "NumberOfStudyRelatedSeries"),
        number_of_instances=_count(answer, "NumberOfStudyRelatedInstances"),
    )


def _text(answer: Dataset, keyword: str) -> str:
    value = answer.get(keyword)
    return "" if value is None else str(value)[:200]


def _count(answer: Dataset, keyword: str) -> int | None:
    text = _text(answer, keyword)
    return int(text) if text.isascii() and text.isdigit() else None
