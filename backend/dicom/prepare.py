"""One received file to everything that is stored of it: read, de-identified, decoded, verified, described.

Runs in the decoding child process (`backend.dicom.decode_loop`), where a hostile file can do no harm.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, Final

import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset

from backend.dicom.bombs import refuse_bomb
from backend.dicom.burnt_in import (
    GREY_BY_NATURE,
    REASONS,
    PixelDecision,
    PixelRule,
    blanked,
    checked_rectangles,
    device_of,
    pixel_decision,
)
from backend.dicom.codestream import without_comments
from backend.dicom.deid_options import DEFAULT_OPTIONS, DeidOptions, deid_options
from backend.dicom.deidentify import deidentify, known_patient, patient_key, say_pixels_cleaned
from backend.dicom.display import shown_frame
from backend.dicom.frames import StoredFrames, stored_frames
from backend.dicom.header import BulkData, Header, other_name, stored_header, text, values, whole_number
from backend.dicom.identity import identity_in
from backend.dicom.image_check import PixelModule, checked_pixel_module
from backend.dicom.near_duplicates import difference_hash
from backend.dicom.pictures import picture_dataset
from backend.dicom.read import HEAD_BYTES, read_dicom, sniffed_format
from backend.dicom.refusal import Held
from backend.dicom.stored_frames import Pixels, decoded_frame
from backend.dicom.uids import keyed_digest, keyed_uid_of_file
from backend.dicom.volume_image import VOLUME_FORMATS, VolumeNaming, volume_dataset
from backend.dicom.volumes import frame_plane, pixel_spacing

_LARGE_PIXELS: Final = 8_000_000


@dataclass(frozen=True)
class PreparationSettings:
    """What the archive and the project demand of a file. `patient_id` comes from a table beside pictures.

    `pixel_rules` are those of the archive's devices (`burnt_in.PixelRule` as mappings); `rectangles`: what a lead who
    looked at this very image wants blanked, None if nobody has. `volume` is what `volume_image.VolumeNaming` says of
    a volume.
    """

    key: str
    deid_profile: str = "none"
    deid_options: Sequence[str] = DEFAULT_OPTIONS
    modality: str = "OT"
    patient_id: str = ""
    pixel_rules: Sequence[Mapping[str, Any]] = ()
    rectangles: Sequence[Sequence[int]] | None = None
    volume: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PreparedInstance:
    """What is stored of one file, without its frames: plain values that travel as JSON.

    `sent`: what the file called itself (`backend.dicom.identity`), for the answer to its sender, stored nowhere.
    `original`: the identifiers before de-identification, for the archive's own encrypted table if it keeps one; they are
    empty where nothing was changed, and stored nowhere else.
    """

    sent: dict[str, str]
    patient_key: str
    original_uid_digest: str
    original: dict[str, str]
    study: dict[str, Any]
    series: dict[str, Any]
    instance: dict[str, Any]


def prepared_instance(
    received: BinaryIO, settings: PreparationSettings, blob: BinaryIO, *, on_size: Callable[[int], None] | None = None
) -> PreparedInstance:
    """The rows of one received file; Refused with the reason if it is no usable image.

    Frames, then bulk data, are written to `blob`, an empty file open for reading and writing. `on_size` hears the bytes of
    the pixels, decoded, before any decoder sees them.
    """
    kind = sniffed_format(received.read(HEAD_BYTES))
    dataset, made_note = _opened(received, kind, settings, blob)
    module = checked_pixel_module(dataset)
    if kind == "dicom":
        size = received.seek(0, os.SEEK_END)
        refuse_bomb(unpacked=module.frame_bytes * module.number_of_frames, received=size)
    if on_size is not None:
        on_size(module.frame_bytes * module.number_of_frames)
    sent = asdict(identity_in(dataset))
    _name_the_nameless(dataset, received, settings)
    original_uid = str(dataset.SOPInstanceUID)
    own_id = str(dataset.get("PatientID") or "")
    patient_id = settings.patient_id or own_id
    original: dict[str, str] = {}
    if settings.deid_profile == "basic":
        options = deid_options(settings.deid_options)
        decision = _pixel_decision(dataset, module, settings, options, kind)
        if decision.held:
            raise _held(dataset, module, decision, blob)
        frames = _clean_frames(dataset, module, decision, blob, pack_raw=kind != "dicom")
        original = _original(dataset, patient_id)
        dataset.PatientID = patient_id
        further = (own_id, settings.patient_id)
        deidentify(dataset, key=settings.key, options=options, pixels_cleaned=decision.is_clean, further_words=further)
    elif settings.rectangles is not None:
        blank = checked_rectangles(settings.rectangles, module.rows, module.columns)
        frames = _clean_frames(dataset, module, PixelDecision(blank, is_clean=True), blob, pack_raw=kind != "dicom")
        say_pixels_cleaned(dataset)
    else:
        frames = stored_frames(dataset, module, blob, pack_raw=kind != "dicom")
    bulk = BulkData(sum(length for _, length in frames.ranges))
    note = ", ".join(filter(None, (made_note, frames.note)))
    header, encoded = stored_header(dataset, frames.form, len(frames.ranges), note, bulk)
    blob.writelines(bulk.values)
    return PreparedInstance(
        sent=sent,
        patient_key=patient_key(settings.key, known_patient(patient_id)),
        original=original,
        original_uid_digest=keyed_digest(settings.key, "sop instance uid", original_uid),
        study=study_values(header),
        series=series_values(header, settings.modality),
        instance=_instance_values(header, frames, encoded),
    )


def _opened(received: BinaryIO, kind: str, settings: PreparationSettings, blob: BinaryIO) -> tuple[FileDataset, str]:
    """The data set of a file of a kind, and a note of what making one of it lost."""
    received.seek(0)
    if kind == "dicom":
        return read_dicom(received), ""
    if kind in VOLUME_FORMATS:
        place = getattr(blob, "name", None)
        return volume_dataset(
            received, kind, key=settings.key, modality=settings.modality, patient_id=settings.patient_id,
            naming=VolumeNaming(**settings.volume), folder=os.path.dirname(place) if isinstance(place, str) else None,
        )  # fmt: skip
    data = received.read()
    return picture_dataset(data, key=settings.key, modality=settings.modality, patient_id=settings.patient_id), ""


def _pixel_decision(
    dataset: FileDataset, module: PixelModule, settings: PreparationSettings, options: DeidOptions, kind: str
) -> PixelDecision:
    """A volume of a modality that measures grey values is no capture of a screen; of every other one it may be."""
    if not options.clean_pixels:
        return PixelDecision()
    if kind in VOLUME_FORMATS and settings.rectangles is None and dataset.Modality in GREY_BY_NATURE:
        return PixelDecision()
    rules = [PixelRule(**rule) for rule in settings.pixel_rules]
    return pixel_decision(dataset, module, rules=rules, is_picture=kind != "dicom", given=settings.rectangles)


def _clean_frames(
    dataset: FileDataset, module: PixelModule, decision: PixelDecision, blob: BinaryIO, *, pack_raw: bool
) -> StoredFrames:
    """The frames without comments, and without what lies in the rectangles to be blanked."""

    def blank(pixels: Pixels, photometric: str) -> Pixels:
        return blanked(pixels, photometric, decision.blank)

    return stored_frames(
        dataset, module, blob, clean=without_comments, blank=blank if decision.blank else None, pack_raw=pack_raw
    )


def _held(dataset: FileDataset, module: PixelModule, decision: PixelDecision, blob: BinaryIO) -> Held:
    """The image as a lead will look at it: in its own window, of several frames the brightest value of all."""
    frames = stored_frames(dataset, module, blob)
    manufacturer, model = device_of(dataset)
    modality = str(dataset.get("Modality") or "").strip()
    seen = frames.middle
    darkest = frames.form.photometric_interpretation == "MONOCHROME1"
    for offset, length in frames.ranges if len(frames.ranges) > 1 else ():
        blob.seek(offset)
        other = decoded_frame(blob.read(length), frames.form)
        seen = np.minimum(seen, other) if darkest else np.maximum(seen, other)
    header, _ = stored_header(dataset, frames.form, len(frames.ranges))
    out = BytesIO()
    Image.fromarray(shown_frame(seen, header, len(frames.ranges) // 2 + 1)).save(out, "PNG")
    facts = {
        "manufacturer": manufacturer,
        "model": model,
        "rows": frames.form.rows,
        "columns": frames.form.columns,
        "frames": len(frames.ranges),
        "modality": modality if modality.isalnum() and len(modality) <= 16 else "",
        "proposed": [list(rectangle) for rectangle in decision.blank],
    }
    message = f"Held until a lead has looked at it. {REASONS[decision.held]}"
    return Held(decision.held, message, facts, out.getvalue())


def _original(dataset: FileDataset, patient_id: str) -> dict[str, str]:
    found = {
        "patient_id": patient_id,
        **{
            name: str(dataset.get(keyword) or "")
            for name, keyword in (
                ("patient_name", "PatientName"),
                ("study_instance_uid", "StudyInstanceUID"),
                ("series_instance_uid", "SeriesInstanceUID"),
                ("sop_instance_uid", "SOPInstanceUID"),
                ("study_date", "StudyDate"),
                ("accession_number", "AccessionNumber"),
            )
        },
    }
    return {name: value[:200] for name, value in found.items()}


def _name_the_nameless(dataset: FileDataset, received: BinaryIO, settings: PreparationSettings) -> None:
    """Give missing or malformed UIDs and modality: old files lack them, and nothing can be stored without."""
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        value = str(dataset.get(keyword) or "").strip()
        if not value or len(value) > 64 or not set(value) <= set("0123456789."):
            setattr(dataset, keyword, keyed_uid_of_file(settings.key, f"missing {keyword}", received))
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


def _thinned(frame: Pixels) -> Pixels:
    """Every n-th pixel of a frame so large that windowing all of it would take several times its memory."""
    step = math.isqrt(max(frame.shape[0] * frame.shape[1] // _LARGE_PIXELS, 1))
    return frame[::step, ::step]


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
        "dhash": difference_hash(shown_frame(_thinned(frames.middle), header, middle)),
        "dicom_json": encoded,
        "frame_ranges": [list(pair) for pair in frames.ranges],
    }
