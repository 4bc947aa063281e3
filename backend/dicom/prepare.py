"""One received file to everything that is stored of it: read, de-identified, decoded, verified, described.

Runs in the decoding child process (`backend.dicom.decode_loop`), where a hostile file can do no harm.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import FileDataset

from backend.dicom.codestream import without_comments
from backend.dicom.deidentify import deidentify, known_patient, patient_key
from backend.dicom.display import shown_frame
from backend.dicom.frames import StoredFrames, stored_frames
from backend.dicom.header import BulkData, Header, header_text, other_name, text, values, whole_number
from backend.dicom.image_check import checked_pixel_module
from backend.dicom.near_duplicates import difference_hash
from backend.dicom.pictures import picture_dataset
from backend.dicom.read import read_dicom, sniffed_format
from backend.dicom.uids import keyed_digest, keyed_uid
from backend.dicom.volumes import frame_plane, pixel_spacing


@dataclass(frozen=True)
class PreparationSettings:
    """What the archive and the project demand of a file. `patient_id` comes from a table beside pictures."""

    key: str
    deid_profile: str = "none"
    modality: str = "OT"
    patient_id: str = ""


@dataclass(frozen=True)
class PreparedInstance:
    """What is stored of one file, without its frames: plain values that travel as JSON."""

    patient_key: str
    original_uid_digest: str
    study: dict[str, Any]
    series: dict[str, Any]
    instance: dict[str, Any]


def prepared_instance(data: bytes, settings: PreparationSettings) -> tuple[PreparedInstance, bytes]:
    """Rows and blob (frames, then bulk data) of one received file; Refused with the reason if it is no usable image."""
    kind = sniffed_format(data)
    if kind == "dicom":
        dataset = read_dicom(data)
    else:
        dataset = picture_dataset(data, key=settings.key, modality=settings.modality, patient_id=settings.patient_id)
    module = checked_pixel_module(dataset)
    _name_the_nameless(dataset, data, settings)
    original_uid = str(dataset.SOPInstanceUID)
    patient_id = settings.patient_id or str(dataset.get("PatientID") or "")
    clean = without_comments if settings.deid_profile == "basic" else None
    frames = stored_frames(dataset, module, clean=clean, pack_raw=kind != "dicom")
    if settings.deid_profile == "basic":
        dataset.PatientID = patient_id
        deidentify(dataset, key=settings.key)
    bulk = BulkData(len(frames.blob))
    encoded = header_text(dataset, frames.form, len(frames.ranges), frames.note, bulk)
    header: Header = json.loads(encoded)
    prepared = PreparedInstance(
        patient_key=patient_key(settings.key, known_patient(patient_id)),
        original_uid_digest=keyed_digest(settings.key, "sop instance uid", original_uid),
        study=study_values(header),
        series=series_values(header, settings.modality),
        instance=_instance_values(header, frames, encoded),
    )
    return prepared, b"".join((frames.blob, *bulk.values)) if bulk.values else frames.blob


def _name_the_nameless(dataset: FileDataset, data: bytes, settings: PreparationSettings) -> None:
    """Give missing or malformed UIDs and modality: old files lack them, and nothing can be stored without."""
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        value = str(dataset.get(keyword) or "").strip()
        if not value or len(value) > 64 or not set(value) <= set("0123456789."):
            setattr(dataset, keyword, keyed_uid(settings.key, f"missing {keyword}", data))
        elif value != dataset.get(keyword):
            setattr(dataset, keyword, value)
    if not str(dataset.get("Modality") or "").strip():
        dataset.Modality = settings.modality
    if not str(dataset.get("SOPClassUID") or "").strip():
        dataset.SOPClassUID = dataset.file_meta.get("MediaStorageSOPClassUID", "1.2.840.10008.5.1.4.1.1.7")


def study_values(header: Header) -> dict[str, Any]:
    """What a study's columns repeat of the stored header."""
    return {
        "study_instance_uid": text(header, "StudyInstanceUID"),
        "patient_id": text(header, "PatientID"),
        "patient_name": text(header, "PatientName", 200).rstrip("^"),
        "patient_name_other": other_name(header, "PatientName", 200),
        "patient_birth_date": text(header, "PatientBirthDate", 8),
        "patient_sex": text(header, "PatientSex", 16),
        "patient_age": text(header, "PatientAge", 4),
        "study_date": text(header, "StudyDate", 8),
        "study_time": text(header, "StudyTime", 16),
        "referring_physician_name": text(header, "ReferringPhysicianName", 200).rstrip("^"),
        "timezone_offset_from_utc": text(header, "TimezoneOffsetFromUTC", 16),
        "study_description": text(header, "StudyDescription"),
        "accession_number": text(header, "AccessionNumber", 16),
        "study_id": text(header, "StudyID", 16),
    }


def series_values(header: Header, modality: str) -> dict[str, Any]:
    """What a series' columns repeat of the stored header; `modality` where the header has none."""
    return {
        "series_instance_uid": text(header, "SeriesInstanceUID"),
        "modality": text(header, "Modality", 16) or modality,
        "series_number": whole_number(header, "SeriesNumber"),
        "series_description": text(header, "SeriesDescription"),
        "body_part_examined": text(header, "BodyPartExamined", 16),
        "laterality": text(header, "ImageLaterality", 16) or text(header, "Laterality", 16),
        "protocol_name": text(header, "ProtocolName"),
        "manufacturer": text(header, "Manufacturer"),
        "manufacturer_model_name": text(header, "ManufacturerModelName"),
        "frame_of_reference_uid": text(header, "FrameOfReferenceUID"),
        "performed_procedure_step_start_date": text(header, "PerformedProcedureStepStartDate", 8),
        "performed_procedure_step_start_time": text(header, "PerformedProcedureStepStartTime", 16),
        "scheduled_procedure_step_ids": _requested(header, "ScheduledProcedureStepID"),
        "requested_procedure_ids": _requested(header, "RequestedProcedureID"),
    }


def _requested(header: Header, keyword: str) -> str:
    """An id of each item of Request Attributes Sequence, as `Series` keeps them."""
    items = (text(item or {}, keyword, 16) for item in values(header, "RequestAttributesSequence")[:10])
    joined = "\\".join(filter(None, items))
    return f"\\{joined}\\" if joined else ""


def _instance_values(header: Header, frames: StoredFrames, encoded: str) -> dict[str, Any]:
    middle = len(frames.ranges) // 2 + 1
    plane = frame_plane(header)
    spacing = pixel_spacing(header)
    form = frames.form
    return {
        "sop_instance_uid": text(header, "SOPInstanceUID"),
        "sop_class_uid": text(header, "SOPClassUID"),
        "instance_number": whole_number(header, "InstanceNumber"),
        "position": plane.position if plane else None,
        "rows": form.rows,
        "columns": form.columns,
        "number_of_frames": len(frames.ranges),
        "samples_per_pixel": form.samples_per_pixel,
        "bits_allocated": form.bits_allocated,
        "photometric_interpretation": form.photometric_interpretation,
        "transfer_syntax_uid": form.transfer_syntax_uid,
        "pixel_spacing": list(spacing) if spacing else None,
        "pixel_digest": frames.pixel_digest,
        "dhash": difference_hash(shown_frame(frames.middle, header, middle)),
        "dicom_json": encoded,
        "frame_ranges": [list(pair) for pair in frames.ranges],
    }
