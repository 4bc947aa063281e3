"""A remote node over DICOMweb: QIDO-RS, WADO-RS, STOW-RS, as a user agent of each (PS3.18)."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

from pydicom import dcmwrite
from pydicom.dataset import FileDataset

from backend.dicom.refusal import Refused
from backend.dimse.models import Authentication, RemoteNode
from backend.dimse.multipart_stream import BadMultipart, boundary_of, parts_into_files
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
from backend.dimse.sealing import unsealed
from backend.dimse.web_requests import PIECE, web_answer, whole_body

_JSON: Final = "application/dicom+json"
_MAX_JSON: Final = 32 * 1024 * 1024
_MAX_SERIES: Final = 1000
_STUDY_FIELDS: Final = ("00081030", "00201206", "00201208", "00100040")
_SERIES_FIELDS: Final = ("0008103E", "00201209")
_WHY: Final = {
    401: "It asks for other credentials (401).",
    403: "It does not allow this (403).",
    404: "There is no such thing at this URL (404).",
    406: "It cannot send what is asked for (406).",
    413: "It says that this is too much at once (413).",
    429: "It has too many requests just now (429).",
    503: "It is overloaded just now (503).",
}
_NOT_STORED: Final = {
    0x0110: "processing failed",
    0x0122: "its class is not supported",
    0xA700: "out of resources",
    0xA900: "the data set does not match its class",
    0xC000: "it cannot be understood",
    0xC122: "its transfer syntax is not supported",
}


def echo(node: RemoteNode) -> None:
    """A search for one study; NodeFailed where it is not answered as QIDO-RS answers."""
    _searched(node, "studies", [("limit", "1")])


def find_studies(node: RemoteNode, keys: SearchKeys) -> tuple[list[FoundStudy], bool]:
    """Studies that match, and whether there are more than are told (QIDO-RS)."""
    asked = {
        "PatientID": keys.patient_id,
        "PatientName": loosely(keys.patient_name),
        "AccessionNumber": keys.accession_number,
        "StudyDescription": loosely(keys.study_description),
        "ModalitiesInStudy": keys.modality,
        "StudyDate": keys.date_range,
    }
    fields = [(name, value) for name, value in asked.items() if value.strip("-")]
    fields += [("limit", str(MAX_STUDIES + 1)), *(("includefield", field) for field in _STUDY_FIELDS)]
    found = [_study(answer) for answer in _searched(node, "studies", fields)]
    found = [study for study in found if study.study_instance_uid]
    return found[:MAX_STUDIES], len(found) > MAX_STUDIES


def find_series(node: RemoteNode, study: str) -> list[FoundSeries]:
    """The series of a study (QIDO-RS)."""
    fields = [("limit", str(_MAX_SERIES)), *(("includefield", field) for field in _SERIES_FIELDS)]
    return [
        FoundSeries(
            _value(answer, "0020000E"),
            _value(answer, "00080060"),
            _value(answer, "00200011"),
            _value(answer, "0008103E"),
            _number(answer, "00201209"),
        )
        for answer in _searched(node, f"studies/{study}/series", fields)
    ]


def retrieve(node: RemoteNode, wanted: Wanted, delivery: Delivery, *, receiving_title: str) -> Received:
    """Bring a study, or some series of it, here by WADO-RS, as it is stored there."""
    result = Received(announced=wanted.instances)
    study = f"studies/{wanted.study}"
    for path in [f"{study}/series/{uid}" for uid in wanted.series] or [study]:
        accept = {"Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
        with web_answer("GET", f"{node.base_url}/{path}", headers={**_headers(node), **accept}) as answer:
            _require(answer.status)
            try:
                boundary = boundary_of(answer.headers.get("Content-Type", ""))
                for file in parts_into_files(answer.stream(PIECE), boundary, delivery.place):
                    delivery.arrived(file)
                    result.received += 1
                    delivery.look_up(result)
            except BadMultipart as error:
                raise NodeFailed(f"Its answer is damaged: {error}.") from error
    return result


def send(node: RemoteNode, objects: Sequence[FileDataset]) -> Iterator[str]:
    """STOW-RS, one request for each object; for each, in order, an empty text or why it was not stored."""
    for one in objects:
        content = io.BytesIO()
        dcmwrite(content, one, enforce_file_format=True)
        boundary = uuid.uuid4().hex
        body = b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n--%s--\r\n" % (
            boundary.encode(),
            content.getvalue(),
            boundary.encode(),
        )
        headers = {
            **_headers(node),
            "Accept": _JSON,
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        }
        with web_answer("POST", f"{node.base_url}/studies", headers=headers, body=body) as answer:
            if answer.status in (200, 202, 409):
                yield _stow_outcome(_parsed(whole_body(answer, _MAX_JSON)))
            else:
                yield _WHY.get(answer.status, f"It answered with status {answer.status}.")


def _stow_outcome(answer: Any) -> str:
    """Why the one object of a request was not stored (PS3.18 Table I.2-1), empty if it was."""
    told: dict[str, Any] = answer[0] if isinstance(answer, list) and answer else answer if isinstance(answer, dict) else {}
    for item in told.get("00081198", {}).get("Value", []):
        reason = _number(item, "00081197")
        return f"The node did not store it: {_NOT_STORED.get(reason or 0, f'reason {reason}')}."
    return "" if told.get("00081199", {}).get("Value") else "The node does not say that it stored it."


def _searched(node: RemoteNode, path: str, fields: list[tuple[str, str]]) -> list[dict[str, Any]]:
    headers = {**_headers(node), "Accept": _JSON}
    # Wildcards stay as they are: they may, and servers are about that do not decode them (Orthanc 1.10).
    query = urlencode(fields, safe="*?,", quote_via=quote)
    with web_answer("GET", f"{node.base_url}/{path}?{query}", headers=headers) as answer:
        if answer.status == 204:
            return []
        _require(answer.status)
        found = _parsed(whole_body(answer, _MAX_JSON))
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise NodeFailed("Its answer is no DICOM JSON: this may not be the root of a DICOMweb service.")
    return found


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body or b"[]")
    except (ValueError, RecursionError) as error:
        raise NodeFailed("Its answer is no DICOM JSON: this may not be the root of a DICOMweb service.") from error


def _require(status: int) -> None:
    if status != 200:
        raise NodeFailed(_WHY.get(status, f"It answered with status {status}."))


def _headers(node: RemoteNode) -> dict[str, str]:
    try:
        secret = unsealed(node.secret)
    except Refused as refusal:
        raise NodeFailed(str(refusal)) from refusal
    if node.authentication == Authentication.BEARER:
        return {"Authorization": f"Bearer {secret}"}
    if node.authentication == Authentication.BASIC:
        return {"Authorization": "Basic " + base64.b64encode(f"{node.username}:{secret}".encode()).decode()}
    return {}


def _study(answer: dict[str, Any]) -> FoundStudy:
    return FoundStudy(
        study_instance_uid=_value(answer, "0020000D"),
        patient_id=_value(answer, "00100020"),
        patient_name=_value(answer, "00100010"),
        patient_sex=_value(answer, "00100040"),
        study_date=_value(answer, "00080020"),
        study_description=_value(answer, "00081030"),
        accession_number=_value(answer, "00080050"),
        modalities=[str(value) for value in _values(answer, "00080061")],
        number_of_series=_number(answer, "00201206"),
        number_of_instances=_number(answer, "00201208"),
    )


def _values(answer: dict[str, Any], tag: str) -> list[Any]:
    element = answer.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _value(answer: dict[str, Any], tag: str) -> str:
    """The first value as text (a name: its alphabetic representation)."""
    first = next(iter(_values(answer, tag)), None)
    if isinstance(first, dict):
        first = first.get("Alphabetic") or first.get("Ideographic")
    return "" if first is None else str(first)[:200]


def _number(answer: dict[str, Any], tag: str) -> int | None:
    text = _value(answer, tag)
    return int(text) if text.isascii() and text.isdigit() else None
