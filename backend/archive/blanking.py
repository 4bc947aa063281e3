"""Blanks parts of images that are stored already: text that nobody saw at the door (PS3.15 E.3.1, Clean Pixel Data).

The instance keeps its UIDs: marks lie in its pixels and stay where they are. What it was received as is still known by its
digest, so that the same file does not come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import transaction

from backend.archive.decode_child import DecodeChild
from backend.archive.ingest import named_by_content
from backend.archive.models import Archive, Instance
from backend.archive.part10 import part10
from backend.archive.scratch import ScratchFolder
from backend.archive.store import delete_object, put_file
from backend.archive.thumbnails import thumbnail_key
from backend.dicom.burnt_in import Rectangle
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused

_PIXEL_FIELDS: Final = (
    "samples_per_pixel", "bits_allocated", "photometric_interpretation", "transfer_syntax_uid", "pixel_digest", "dhash",
    "dicom_json", "frame_ranges",
)  # fmt: skip


def blank_instance(instance: Instance, rectangles: Sequence[Rectangle], *, child: DecodeChild) -> None:
    """Store the image anew with the rectangles black in every frame; what was stored of it before is deleted.

    Refused where it is no image, or cannot be decoded; then nothing has changed. Done twice it does no harm.
    """
    if instance.file_range is not None:
        raise Refused("This is an object that was made of a reading, not an image.")
    archive = instance.series.study.archive
    asked = PreparationSettings(
        key=archive.key, deid_profile="none", modality=instance.series.modality, rectangles=rectangles
    )
    with ScratchFolder("blank-") as folder:
        with (folder / "image.dcm").open("wb") as sink:
            sink.writelines(part10(instance).pieces)
        prepared, blob = child.prepare(folder / "image.dcm", asked)
    former, frames_key = instance.frames_key, named_by_content(archive, blob)
    put_file(key=frames_key, path=blob)
    with transaction.atomic():
        Archive.objects.select_for_update().only("pk").get(pk=archive.pk)
        changed = {name: prepared.instance[name] for name in _PIXEL_FIELDS}
        Instance.objects.filter(pk=instance.pk).update(frames_key=frames_key, **changed)
    instance.refresh_from_db()
    if former != frames_key:
        _forget(instance, former)


def _forget(instance: Instance, frames_key: str) -> None:
    """Delete frames that no row names any more, and the small picture that was made of them."""
    delete_object(thumbnail_key(frames_key=frames_key, received_digest=instance.received_digest))
    if not Instance.objects.filter(frames_key=frames_key).exists():
        delete_object(frames_key)
