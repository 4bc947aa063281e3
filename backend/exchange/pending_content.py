"""A foreign reading as JSON and back, for as long as its images are missing.

Where the archive de-identifies, the UIDs of images are kept as their keyed digests alone: nothing here may name an image
that the archive would name otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.archive.models import Archive, DeidProfile
from backend.archive.store import get_object, has_object, put_object
from backend.dicom.uids import keyed_digest, keyed_uid, with_keyed_uids
from backend.exchange.foreign import Code, ForeignLesion, ForeignMeasurement, ForeignReading, ImageReference, SlicesRead
from backend.geometry.rasterise import crop_mask, paste_mask
from backend.geometry.rle import blob_key, decode_mask, encode_mask, mask_digest


def reading_content(reading: ForeignReading, archive: Archive) -> dict[str, Any]:
    """The reading as JSON; its masks go to the object store."""
    content = {
        "images": [_reference(one, archive) for one in reading.images],
        "lesions": [_lesion(one, archive) for one in reading.lesions],
        "image_findings": dict(reading.image_findings),
        "complete": reading.complete,
        "readable": reading.readable,
    }
    if reading.measurements:
        content["measurements"] = [_measurement(one, archive) for one in reading.measurements]
    if reading.slices_read is not None:
        content["slices_read"] = [[list(one) for one in reading.slices_read.ranges], reading.slices_read.slices]
    if reading.segmentations:
        content["segmentations"] = [archive_uid(uid, archive) for uid in reading.segmentations]
    return content


def reading_of_content(content: Mapping[str, Any], *, source: str, reader: str) -> ForeignReading:
    """The reading that `reading_content` wrote; a reference kept as a digest has the UID `digest:… …`."""
    return ForeignReading(
        source=source,
        reader=reader,
        images=[ImageReference(**one) for one in content["images"]],
        lesions=[_foreign_lesion(one) for one in content["lesions"]],
        image_findings=content["image_findings"],
        complete=content["complete"],
        readable=content["readable"],
        measurements=[_foreign_measurement(one) for one in content.get("measurements", ())],
        segmentations=content.get("segmentations", ()),
        slices_read=SlicesRead(*content["slices_read"]) if "slices_read" in content else None,
    )


def content_digest(format_name: str, reader: str, content: Mapping[str, Any], files: Mapping[str, str]) -> str:
    """One digest for one statement, however often it is imported."""
    text = json.dumps([format_name, reader, content, sorted(files.items())], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _reference(one: ImageReference, archive: Archive) -> dict[str, Any]:
    uid = one.sop_instance_uid
    if uid and archive.deid_profile != DeidProfile.NONE and not uid.startswith(DIGEST):
        uid = f"{DIGEST}{keyed_digest(archive.key, 'sop instance uid', uid)} {keyed_uid(archive.key, 'uid', uid)}"
    return {"sop_instance_uid": uid, "frame": one.frame, "name": one.name}


DIGEST = "digest:"
"""How a reference begins that is kept as the keyed digest of its UID, a space, and the archive's own UID for it: what is
named may be an image or a series of one case."""


def archive_uid(uid: str, archive: Archive) -> str:
    """The UID under which the archive would store an object."""
    return uid if archive.deid_profile == DeidProfile.NONE else keyed_uid(archive.key, "uid", uid)


def archive_text(text: str, archive: Archive) -> str:
    """What a file is called or what is said of it, as it may be kept in this archive: no UID in it that the archive would
    name otherwise."""
    return text if archive.deid_profile == DeidProfile.NONE else with_keyed_uids(archive.key, text)


def _lesion(one: ForeignLesion, archive: Archive) -> dict[str, Any]:
    return {
        "finding": one.finding,
        "kind": one.kind,
        "image": _reference(one.image, archive) if one.image is not None else None,
        "points": [[float(value) for value in point] for point in one.points],
        "masks": [[_reference(reference, archive), *_kept(mask)] for reference, mask in one.masks if mask.any()],
        "code": [one.code.scheme, one.code.value, one.code.meaning],
        "attributes": dict(one.attributes),
        "score": one.score,
    }


def _measurement(one: ForeignMeasurement, archive: Archive) -> dict[str, Any]:
    points = [[float(value) for value in point] for point in one.points]
    return {"kind": one.kind, "image": _reference(one.image, archive), "points": points, "text": one.text}


def _foreign_measurement(one: Mapping[str, Any]) -> ForeignMeasurement:
    return ForeignMeasurement(one["kind"], ImageReference(**one["image"]), one["points"], one["text"])


def _kept(mask: NDArray[np.bool_]) -> list[Any]:
    """Size of the picture, origin, shape and digest of the cropped mask."""
    origin, cut = crop_mask(mask[None])
    blob = encode_mask(cut)
    digest = mask_digest(blob)
    if not has_object(blob_key(digest)):
        put_object(key=blob_key(digest), data=blob)
    return [list(mask.shape), origin, list(cut.shape), digest]


def _foreign_lesion(one: Mapping[str, Any]) -> ForeignLesion:
    return ForeignLesion(
        finding=one["finding"],
        kind=one["kind"],
        image=ImageReference(**one["image"]) if one["image"] else None,
        points=one["points"],
        masks=[(ImageReference(**entry[0]), _mask(entry[1:])) for entry in one["masks"]],
        code=Code(*one["code"]),
        attributes=one["attributes"],
        score=one["score"],
    )


def _mask(entry: Sequence[Any]) -> NDArray[np.bool_]:
    size, origin, shape, digest = entry
    cut = decode_mask(get_object(blob_key(digest)), shape)
    return paste_mask(mask=cut, origin=origin, frame=0, rows=size[0], columns=size[1])
