"""Takes answers of DICOMweb apart."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


def parts_of(response: Any) -> list[tuple[bytes, bytes]]:
    """Header and bytes of each part of a multipart answer."""
    boundary = response["Content-Type"].split("boundary=")[1].encode()
    body = b"\r\n" + (response.content if not response.streaming else b"".join(response.streaming_content))
    pieces = body.split(b"\r\n--" + boundary)[1:-1]
    return [tuple(piece[2:].split(b"\r\n\r\n", 1)) for piece in pieces]


def datasets_of_xml(document: bytes) -> dict[str, list[str]]:
    """Tag to texts of the plain values of a Native DICOM Model document; the keyword must be the tag's."""
    from pydicom.datadict import keyword_for_tag

    root = ElementTree.fromstring(document)
    assert root.tag == f"{NATIVE}NativeDicomModel"
    found = {}
    for attribute in root:
        tag = attribute.get("tag", "")
        assert attribute.get("keyword", "") == keyword_for_tag(int(tag, 16))
        found[tag] = [value.text or "" for value in attribute.findall(f"{NATIVE}Value")]
    return found
