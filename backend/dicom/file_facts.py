"""What a file is, in words that can name nobody: told beside the reason why it cannot be used.

A damaged or hostile header may hold a person's name anywhere. So numbers are taken, and of words only those that the
standard itself has: a modality of PS3.3 C.7.3.1.1.1, a SOP class and a transfer syntax of PS3.6 Annex A.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO, Final

from PIL import Image
from pydicom.dataset import FileDataset
from pydicom.uid import UID, UID_dictionary

from backend.dicom.read import HEAD_BYTES, read_dicom, sniffed_format
from backend.dicom.refusal import Refused
from backend.dicom.volume_image import VOLUME_FORMATS

Facts = Mapping[str, Any]
"""`format`, `modality`, `sop_class_uid`, `transfer_syntax_uid`, `rows`, `columns`, `frames`; what is not known is absent."""

FACTS: Final = ("format", "modality", "sop_class_uid", "transfer_syntax_uid", "rows", "columns", "frames")
MODALITIES: Final = frozenset(
    [
        "ANN",
        "AR",
        "AS",
        "ASMT",
        "AU",
        "BDUS",
        "BI",
        "BMD",
        "CD",
        "CF",
        "CFM",
        "CP",
        "CR",
        "CS",
        "CT",
        "CTPROTOCOL",
        "DD",
        "DF",
        "DG",
        "DM",
        "DMS",
        "DOC",
        "DS",
        "DX",
        "EC",
        "ECG",
        "EEG",
        "EMG",
        "EOG",
        "EPS",
        "ES",
        "FA",
        "FID",
        "FS",
        "GM",
        "HC",
        "HD",
        "IO",
        "IOL",
        "IVOCT",
        "IVUS",
        "KER",
        "KO",
        "LEN",
        "LP",
        "LS",
        "M3D",
        "MA",
        "MG",
        "MR",
        "MS",
        "NM",
        "OAM",
        "OCT",
        "OP",
        "OPM",
        "OPR",
        "OPT",
        "OPTBSV",
        "OPTENF",
        "OPV",
        "OSS",
        "OT",
        "PA",
        "PLAN",
        "POS",
        "PR",
        "PT",
        "PX",
        "REG",
        "RESP",
        "RF",
        "RG",
        "RTDOSE",
        "RTIMAGE",
        "RTINTENT",
        "RTPLAN",
        "RTRAD",
        "RTRECORD",
        "RTSEGANN",
        "RTSTRUCT",
        "RWV",
        "SEG",
        "SM",
        "SMR",
        "SR",
        "SRF",
        "ST",
        "STAIN",
        "TEXTUREMAP",
        "TG",
        "US",
        "VA",
        "VF",
        "XA",
        "XAPROTOCOL",
        "XC",
    ]
)
_TYPES: Final = {"sop_class_uid": "SOP Class", "transfer_syntax_uid": "Transfer Syntax"}


def file_facts(file: BinaryIO) -> dict[str, Any]:
    """What can be told of a received file; as much as its header lets be read, nothing of what is no image."""
    try:
        kind = sniffed_format(file.read(HEAD_BYTES))
    except Refused:
        return {}
    facts = {"format": kind}
    try:
        if kind == "dicom":
            return facts | _of_dicom(read_dicom(file))
        return facts | (_of_volume(file, kind) if kind in VOLUME_FORMATS else _of_picture(file))
    except Exception:  # noqa: BLE001 broken files raise everything, and this is told of broken files
        return facts


def standard_facts(facts: Facts) -> dict[str, Any]:
    """Those of `facts` that the standard's own words and plain numbers can say."""
    found = {name: facts[name] for name in FACTS if facts.get(name)}
    if found.get("modality", "") not in MODALITIES:
        found.pop("modality", None)
    for name, kind in _TYPES.items():
        if not _is_standard(str(found.get(name, "")), kind):
            found.pop(name, None)
    return found


def uid_name(uid: str) -> str:
    """The standard's name of a UID; empty for none."""
    return str(UID(uid).name) if uid in UID_dictionary else ""


def _of_dicom(dataset: FileDataset) -> dict[str, Any]:
    def text(keyword: str) -> str:
        return str(_value(dataset, keyword) or "").strip().rstrip("\0")

    meta = dataset.file_meta
    return standard_facts(
        {
            "format": "dicom",
            "modality": text("Modality").upper(),
            "sop_class_uid": text("SOPClassUID") or str(meta.get("MediaStorageSOPClassUID") or ""),
            "transfer_syntax_uid": str(meta.get("TransferSyntaxUID") or ""),
            "rows": _number(_value(dataset, "Rows"), 65_535),
            "columns": _number(_value(dataset, "Columns"), 65_535),
            "frames": _number(_value(dataset, "NumberOfFrames"), 2**31 - 1),
        }
    )


def _of_picture(file: BinaryIO) -> dict[str, Any]:
    with Image.open(file, formats=("PNG", "JPEG")) as image:  # reads the header alone
        return {"rows": image.height, "columns": image.width}


def _of_volume(file: BinaryIO, kind: str) -> dict[str, Any]:
    columns, rows, frames = VOLUME_FORMATS[kind](file).shape
    return {"rows": rows, "columns": columns, "frames": frames}


def _value(dataset: FileDataset, keyword: str) -> Any:
    try:
        return dataset.get(keyword)
    except Exception:  # noqa: BLE001 one broken element does not hide the others
        return None


def _number(value: Any, most: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number if 0 < number <= most else 0


def _is_standard(uid: str, kind: str) -> bool:
    known = UID_dictionary.get(uid)
    return known is not None and known[1].endswith(kind)
