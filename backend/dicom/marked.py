"""Marks on their way into SEG, SR and RTSTRUCT objects: what a writer is told of a reading, its reader and its images.

Every UID made here is derived (PS3.5 B.2, root 2.25) from the reading's id and revision, so that writing twice gives the
same object; the Tracking Unique Identifier of a lesion is its own id.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from backend.dicom.volumes import Plane, plane_of

SCHEME: Final = "99OVERREAD"
MANUFACTURER: Final = "Overread"
IMPLEMENTATION_UID: Final = "2.25.162553773890347878812383999445881477898"
_MODULES_OF_SOURCE: Final = (
    "SpecificCharacterSet", "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
    "ReferringPhysicianName", "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize",
    "PatientWeight", "PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence",
    "LongitudinalTemporalInformationModified",
)  # fmt: skip


class Concept(NamedTuple):
    """A coded concept (PS3.3 Table 8.8-1)."""

    scheme: str
    value: str
    meaning: str


VERDICT: Final = Concept(SCHEME, "VERDICT", "Verdict of the reading")
SCORE: Final = Concept(SCHEME, "SCORE", "Score")
MARK_KIND: Final = Concept(SCHEME, "MARK_KIND", "Kind of the mark")
MEASUREMENT: Final = Concept(SCHEME, "MEASUREMENT", "Measurement, no lesion")
VERDICTS: Final = {
    "lesions": Concept(SCHEME, "LESIONS", "Lesions"),
    "no_lesion": Concept(SCHEME, "NO_LESION", "No lesion"),
    "not_readable": Concept(SCHEME, "NOT_READABLE", "Not readable"),
    "image": Concept(SCHEME, "IMAGE_ONLY", "Image as a whole only"),
}
"""What a report says of the whole case, by our verdicts and, for a reading of the image as a whole only, `image`."""


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A picture that is marked: the stored header of its instance (no pixels), its frame from 1, and where it lies."""

    header: Dataset
    number: int = 1
    plane: Plane | None = None


@dataclass(frozen=True, slots=True)
class MarkedLesion:
    """A lesion to be written.

    `points` are SCOORD on `sources[source]` of its object; `masks` are (index of source, bool [rows, columns]) in order of
    the sources, and every lesion has them; they may be made anew each time they are asked for. `attributes` maps names to
    values, `units` those of numbers to their unit.
    `algorithm` names what helped a person to make it, empty where nothing did. `colour`: its type's, `#rrggbb`.
    """

    id: uuid.UUID
    finding: str
    concept: Concept | None
    kind: str
    source: int = 0
    points: Sequence[Sequence[float]] = ()
    masks: Iterable[tuple[int, NDArray[np.bool_]]] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    score: float | None = None
    algorithm: str = ""
    colour: str = ""


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """One value of a measurement: what it is (length, long axis, short axis, angle, area), its value in `unit` (mm, px, mm²,
    px², °), and the SCOORD points that it was measured along; of an area those of an ellipse."""

    name: str
    value: float
    unit: str
    points: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class MarkedMeasurement:
    """A measurement on `sources[source]`, which is no lesion, and what its reader called it."""

    id: uuid.UUID
    source: int
    values: Sequence[MeasuredValue]
    text: str = ""


@dataclass(frozen=True)
class MarkedReading:
    """A reading to be written: whose it is, what it says, and the pictures of its case in reading order.

    `image_findings`: (finding, its concept, present). `verdict` is one of ours: lesions, no_lesion, not_readable; not
    `complete`: it speaks of the image as a whole only.
    `version`: of a model; empty for whoever is none.
    """

    id: uuid.UUID
    revision: int
    reader: str
    is_model: bool
    when: datetime
    sources: Sequence[SourceFrame]
    lesions: Sequence[MarkedLesion]
    version: str = ""
    verdict: str = "lesions"
    complete: bool = True
    image_findings: Sequence[tuple[str, Concept | None, bool]] = ()
    measurements: Sequence[MarkedMeasurement] = ()

    def uid(self, purpose: str) -> str:
        """The UID of what is made of these lesions of this revision for a purpose."""
        chosen = hashlib.sha256("".join(str(lesion.id) for lesion in self.lesions).encode()).hexdigest()
        return derived_uid(f"{self.id}/{self.revision}/{chosen}/{purpose}")

    def series_uid(self, purpose: str) -> str:
        """The UID of the series that all revisions of this reading share."""
        return derived_uid(f"{self.id}/series/{purpose}")


def derived_uid(name: str) -> str:
    """A UUID-derived UID that follows from a name alone."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'overread/{name}').int}"


def lesion_uid(lesion_id: uuid.UUID) -> str:
    """The Tracking Unique Identifier of a lesion."""
    return f"2.25.{lesion_id.int}"


def own_concept(name: str) -> Concept:
    """A name of the project's vocabulary as a concept of our scheme; the same name always has the same code value."""
    return Concept(SCHEME, hashlib.sha256(name.encode()).hexdigest()[:12].upper(), plain_text(name, 64))


def concept_of(name: str, concept: Concept | None) -> Concept:
    """The vocabulary's own code of a finding type where it has one; its meaning is the type's name if it has none."""
    if concept is None or not concept.value or not concept.scheme:
        return own_concept(name)
    return Concept(concept.scheme[:16], concept.value, plain_text(concept.meaning or name, 64))


def plain_text(text: str, limit: int) -> str:
    """A text as LO or SH take it: no backslash, no control character, at most `limit` characters."""
    cleaned = "".join(" " if ord(letter) < 32 or letter == "\\" else letter for letter in text)
    return " ".join(cleaned.split())[:limit].strip()


def person_name(name: str) -> str:
    """A name as a PN whose family name is all of it."""
    return plain_text(name.replace("^", " ").replace("=", " "), 64)


def code_item(concept: Concept) -> Dataset:
    """The item of a code sequence."""
    item = Dataset()
    setattr(item, "CodeValue" if len(concept.value) <= 16 else "LongCodeValue", concept.value)
    item.CodingSchemeDesignator, item.CodeMeaning = concept.scheme, concept.meaning
    return item


def object_dataset(reading: MarkedReading, *, sop_class: str, modality: str, purpose: str, title: str) -> FileDataset:
    """A new object of the source images' patient and study: identity, general series and equipment modules."""
    made = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    source = reading.sources[0].header
    for keyword in _MODULES_OF_SOURCE:
        if keyword in source:
            made[keyword] = source[keyword]
    for keyword in ("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"):
        if keyword not in made:
            setattr(made, keyword, "")
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"):
        if keyword not in made:
            setattr(made, keyword, "")
    made.SpecificCharacterSet = "ISO_IR 192"
    made.SOPClassUID, made.SOPInstanceUID = sop_class, reading.uid(purpose)
    made.SeriesInstanceUID, made.Modality = reading.series_uid(purpose), modality
    made.SeriesNumber = {"SEG": 9001, "SR": 9002, "RTSTRUCT": 9003}[modality]
    made.InstanceNumber = max(reading.revision, 1)
    made.SeriesDescription = plain_text(f"{title}: {reading.reader}", 64)
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MANUFACTURER
    made.DeviceSerialNumber, made.SoftwareVersions = "1", reading.version or "1"
    stamp_times(made, reading.when)
    finish_meta(made)
    return made


def stamp_times(dataset: Dataset, when: datetime) -> None:
    """Say when the reading was made, not when it was written."""
    day, time = when.strftime("%Y%m%d"), when.strftime("%H%M%S")
    dataset.SeriesDate = dataset.ContentDate = dataset.InstanceCreationDate = day
    dataset.SeriesTime = dataset.ContentTime = dataset.InstanceCreationTime = time


def finish_meta(dataset: Any) -> None:
    """File meta information of what is written here: explicit little endian."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = IMPLEMENTATION_UID, "OVERREAD"
    dataset.file_meta = meta


def source_frame(header: Dataset, number: int = 1) -> SourceFrame:
    """A picture of an instance with its plane: of its functional groups where it has any (PS3.3 C.7.6.16)."""
    groups = [*list(header.get("PerFrameFunctionalGroupsSequence") or ())[number - 1 : number]]
    groups += list(header.get("SharedFunctionalGroupsSequence") or ())[:1]

    def numbers(keyword: str, macro: str) -> list[float]:
        holders = [item for group in groups for item in list(group.get(macro) or ())[:1]]
        for holder in (*holders, header):
            value = holder.get(keyword)
            if value:
                return [float(one) for one in value]
        return []

    plane = plane_of(
        numbers("ImagePositionPatient", "PlanePositionSequence"),
        numbers("ImageOrientationPatient", "PlaneOrientationSequence"),
        numbers("PixelSpacing", "PixelMeasuresSequence"),
        (int(header.Rows), int(header.Columns)),
    )
    return SourceFrame(header, number, plane)


def referenced_instance(source: SourceFrame) -> Dataset:
    """SOP class and instance of a picture, as all references begin."""
    item = Dataset()
    item.ReferencedSOPClassUID = source.header.SOPClassUID
    item.ReferencedSOPInstanceUID = source.header.SOPInstanceUID
    return item


def sources_by_series(sources: Sequence[SourceFrame]) -> dict[str, list[SourceFrame]]:
    """One picture of each instance, by Series Instance UID."""
    found: dict[str, dict[str, SourceFrame]] = {}
    for source in sources:
        found.setdefault(str(source.header.SeriesInstanceUID), {}).setdefault(str(source.header.SOPInstanceUID), source)
    return {series: list(instances.values()) for series, instances in found.items()}
