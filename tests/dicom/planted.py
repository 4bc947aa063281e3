"""Makes DICOM files full of one person's identity: every VR, every depth, private blocks, many character sets, odd places.

A plan is drawn from a seed, so that a leak is found again by its number.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
from PIL import Image
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
)

DEPTH: Final = 5
_PIXEL_MODULE: Final = frozenset(
    {
        *range(0x00280002, 0x00280012),
        *range(0x00280100, 0x00280104),
        0x00280008,
        0x00280006,
        0x7FE00008,
        0x7FE00009,
        0x7FE00010,
        0x7FE00001,
        0x7FE00002,
        0x00080005,
        0x00080016,
        0x00041220,
        0x00082112,
    }
)
_NEVER: Final = frozenset({0x0002, 0x0000, 0xFFFE, 0x0004, 0xFFFA})


@dataclass(frozen=True)
class Person:
    """Whom the file is about: a name in one character set, and the numbers that stand for him."""

    surname: str
    given: str
    charset: list[str]
    encoding: str
    declared: list[str] | None = None

    patient_id: str = "MRN7734551"
    number: int = 883771
    born: str = "19610203"
    accession: str = "ACC4471209"
    phone: str = "0171-5550199"

    @property
    def name(self) -> str:
        """As a PN."""
        return f"{self.surname}^{self.given}"

    @property
    def uid(self) -> str:
        """A UID that spells the patient id in ASCII codes below DICOM's own root."""
        return "1.2.840.10008." + ".".join(str(ord(letter)) for letter in self.patient_id)

    def traces(self) -> Iterator[bytes]:
        """Every form in which the person could be found: each text in every encoding in which it could be stored."""
        texts = [self.surname, self.given, self.surname.upper(), self.patient_id, str(self.number), self.born]
        texts += [self.accession, self.phone, self.uid, "1961-02-03", "03.02.1961", "MEIERSTRASSE"]
        for text in texts:
            for encoding in {"utf-8", "latin-1", "utf-16-le", "shift_jis", "gb18030", self.encoding}:
                try:
                    yield text.encode(encoding)
                except UnicodeEncodeError:
                    continue
            yield text.encode("unicode_escape")  # what JSON makes of it


PEOPLE: Final = (
    Person("Quisenberry", "Thaddeus", ["ISO_IR 6"], "ascii"),
    Person("Mühlschlegel", "Jörgfried", ["ISO_IR 100"], "latin-1"),
    Person("Mühlschlegel", "Jörgfried", ["ISO_IR 192"], "utf-8"),
    Person("山田", "太郎兵衛", ["", "ISO 2022 IR 87"], "iso2022_jp"),
    Person("王小东", "欧阳", ["GB18030"], "gb18030"),
    Person("Люкceмбург", "Дездемона", ["ISO_IR 144"], "iso8859_5"),
    # what the file declares is not how its bytes are coded
    Person("Mühlschlegel", "Jörgfried", ["ISO_IR 192"], "latin-1", declared=["ISO_IR 192"]),
    Person("王小东", "欧阳", ["GB18030"], "gb18030", declared=["ISO_IR 100"]),
)


def _value(vr: str, person: Person, rng: random.Random) -> Any:
    """The identity as a value of this VR."""
    texts = {
        "LO": f"Pat. {person.surname} {person.given}",
        "SH": rng.choice([person.patient_id, person.surname[:8]]),
        "ST": f"Seen: {person.given} {person.surname}, born 03.02.1961, tel. {person.phone}",
        "LT": f"{person.name} {person.patient_id} lives at MEIERSTRASSE",
        "UT": f"{person.surname}; {person.accession}; 1961-02-03",
        "UC": f"{person.name}",
        "UR": f"http://pacs.invalid/{person.patient_id}",
        "PN": person.name,
    }
    if vr in texts:
        return texts[vr]
    return {
        "AE": person.patient_id,
        "AS": "065Y",
        "CS": person.surname.upper()[:16] if person.surname.isascii() else person.patient_id,
        "DA": person.born,
        "DT": f"{person.born}112233.44",
        "TM": "112233.44",
        "DS": str(person.number),
        "IS": str(person.number),
        "UI": person.uid,
        "US": list((person.patient_id + " ").encode()),
        "SS": 1961,
        "UL": person.number,
        "SL": person.number,
        "UV": person.number,
        "SV": person.number,
        "FL": float(person.number),
        "FD": float(person.number),
        "AT": 0x00100010,
    }.get(vr, f"{person.surname} {person.patient_id}".encode().ljust(64))


def planted_elements(person: Person, rng: random.Random, share: float) -> Dataset:
    """A data set with the identity in a share of all attributes of the dictionary, sequences left out."""
    dataset = Dataset()
    for tag, (vrs, *_rest) in DicomDictionary.items():
        group = tag >> 16
        if tag in _PIXEL_MODULE or group in _NEVER or vrs == "SQ" or rng.random() > share:
            continue
        vr = rng.choice(vrs.split(" or "))
        if vr in ("NONE", "") or tag & 0xFFFF == 0:
            continue
        if rng.random() < 0.05 and group not in (0x0008, 0x0010, 0x0020, 0x0028):
            vr = rng.choice(["LO", "ST", "SH", "OB"])
        dataset.add(DataElement(tag, vr, _value(vr, person, rng)))
    for number, creator in enumerate(("ACME 1.0", "SIEMENS MR HEADER", "GEMS_PARM_01", person.surname[:16])):
        group = (0x0019, 0x0019, 0x0043, 0x0029)[number]
        block = dataset.private_block(group, creator, create=True)
        for offset, vr in ((0x01, "LO"), (0x0C, "IS"), (0x0E, "FD"), (0x27, "SH"), (0x39, "IS"), (0x6F, "DS"), (0xC0, "UN")):
            block.add_new(offset, vr, _value(vr, person, rng))
        item = Dataset()
        item.PatientName = person.name
        block.add_new(0xC1, "SQ", Sequence([item]))
    return dataset


def as_file_again(header: dict[str, Any]) -> bytes:
    """Stored DICOM JSON as the bytes of a file, where base64 and numbers show what they spell."""
    out = BytesIO()
    dcmwrite(out, Dataset.from_json(header), implicit_vr=False, little_endian=True)
    return out.getvalue()


def planted_file(seed: int) -> tuple[Person, bytes]:
    """A decodable file of a person: header, items five deep, private, overlay, curve, preamble, meta, padding, pixels."""
    rng = random.Random(seed)
    person = PEOPLE[seed % len(PEOPLE)]
    syntax = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit, ExplicitVRBigEndian, JPEG2000Lossless)[
        seed % 5
    ]
    dataset = FileDataset(BytesIO(), planted_elements(person, rng, 0.3), file_meta=FileMetaDataset())
    sequences = [tag for tag, (vr, *_rest) in DicomDictionary.items() if vr == "SQ" and tag >> 16 not in _NEVER]
    for tag in rng.sample(sequences, 20):
        here = dataset
        for depth in range(DEPTH):
            item = planted_elements(person, rng, 0.01)
            item.PatientName, item.PatientID = person.name, person.patient_id
            item.StudyInstanceUID = person.uid
            here.add(DataElement(tag if depth == 0 else rng.choice(sequences), "SQ", Sequence([item])))
            here = item
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = person.patient_id, rng.choice(["99LOCAL", "SCT", "L"])
    code.CodeMeaning = f"Patient {person.name}"
    dataset.ProcedureCodeSequence = dataset.ViewCodeSequence = dataset.AnatomicRegionSequence = Sequence([code])
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = person.name, person.patient_id, person.born
    dataset.OtherPatientIDs = [str(person.number), person.accession]
    dataset.PatientTelephoneNumbers, dataset.PatientAddress = person.phone, "MEIERSTRASSE"
    dataset.AccessionNumber = person.accession
    dataset.StudyDescription = f"CT chest of {person.surname}, {person.given}, * 03.02.1961"
    dataset.SeriesDescription = f"T1 axial {person.patient_id} {person.phone}"
    dataset.add(DataElement(0x60000010, "US", 4))
    dataset.add(DataElement(0x60000022, "LO", person.name))
    dataset.add(DataElement(0x60003000, "OW", f"{person.surname} {person.patient_id} ".encode().ljust(32)))
    dataset.add(DataElement(0x50003000, "OW", f"{person.patient_id} {person.born}".encode().ljust(32)))
    dataset.add(DataElement(0xFFFCFFFC, "OB", person.patient_id.encode().ljust(64)))
    dataset.SOPClassUID, dataset.Modality = CTImageStorage, "CT"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = person.uid, f"{person.uid}.1"
    dataset.SOPInstanceUID = f"1.2.3.{seed}.{person.number}"
    dataset.NumberOfFrames = 1
    for keyword in ("BurnedInAnnotation", "SequenceOfUltrasoundRegions", "PixelPaddingValue", "ExtendedOffsetTable"):
        if keyword in dataset:
            delattr(dataset, keyword)
    _fill_pixels(dataset, person, syntax, rng)
    dataset.SpecificCharacterSet = person.charset
    return person, _written(dataset, person, syntax)


def _fill_pixels(dataset: FileDataset, person: Person, syntax: str, rng: random.Random) -> None:
    """Pixels with the identity around them: after the last frame, in unused bits, in comments of the codestream."""
    compressed = syntax in (JPEGBaseline8Bit, JPEG2000Lossless)
    dataset.Rows = dataset.Columns = 32
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.PixelRepresentation = 0
    dataset.BitsAllocated = 8 if compressed else 16
    dataset.BitsStored = 8 if compressed else 12
    dataset.HighBit = dataset.BitsStored - 1
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.SourceApplicationEntityTitle = person.patient_id
    dataset.file_meta.PrivateInformationCreatorUID = person.uid
    dataset.file_meta.PrivateInformation = person.name.encode("utf-8")
    values = np.arange(32 * 32).reshape(32, 32) % 251
    hidden = f"{person.surname} {person.patient_id} {person.number}".encode()
    if compressed:
        frame = _codestream(values.astype("u1"), syntax, hidden)
        dataset.PixelData = encapsulate([frame + hidden + b"\xff\xd9" + hidden])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        return
    words = values.astype("<u2")
    words.reshape(-1)[: len(hidden) * 2 : 2] |= np.frombuffer(hidden, "u1").astype("u2")[: len(words.reshape(-1)) // 2] << 12
    raw = words.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
    dataset.PixelData = raw + hidden.ljust(128)
    dataset["PixelData"].VR = "OW"


def _codestream(values: np.ndarray, syntax: str, hidden: bytes) -> bytes:
    out = BytesIO()
    if syntax == JPEGBaseline8Bit:
        Image.fromarray(values).save(out, "JPEG", quality=95, comment=hidden)
        data = out.getvalue()
        extra = b"".join(
            b"\xff" + bytes([marker]) + (len(hidden) + 2).to_bytes(2, "big") + hidden for marker in (0xE0, 0xE1, 0xEF, 0xF0)
        )
        return data[:2] + extra + data[2:]
    Image.fromarray(values).save(out, "JPEG2000", irreversible=False, no_jp2=True)
    data = out.getvalue()
    comment = b"\xff\x64" + (len(hidden) + 4).to_bytes(2, "big") + b"\0\x01" + hidden
    start = data.index(b"\xff\x90")
    # one comment in the main header, one in the header of the first tile-part
    tile = int.from_bytes(data[start + 6 : start + 10], "big") + len(comment)
    return (
        data[:start]
        + comment
        + data[start : start + 6]
        + tile.to_bytes(4, "big")
        + data[start + 10 : start + 12]
        + (comment + data[start + 12 :])
    )


def _written(dataset: FileDataset, person: Person, syntax: str) -> bytes:
    dataset.preamble = f"{person.surname} {person.patient_id}".encode()[:128].ljust(128, b"\0")
    out = BytesIO()
    implicit = syntax == ImplicitVRLittleEndian
    dataset.set_original_encoding(implicit, syntax != ExplicitVRBigEndian)
    dataset.save_as(out, implicit_vr=implicit, little_endian=syntax != ExplicitVRBigEndian, enforce_file_format=False)
    data = out.getvalue()
    if person.declared is not None:
        coded = "\\".join(person.charset).encode()
        declared = "\\".join(person.declared).encode()
        data = data.replace(coded, declared.ljust(len(coded))[: len(coded)])
    return data + b"\0" * 8 + person.patient_id.encode()
