"""Blanks parts of images that are stored already: text that nobody saw at the door (PS3.15 E.3.1, Clean Pixel Data).

The instance keeps its UIDs: marks lie in its pixels and stay where they are. What it was received as is still known by its
digest, so that the same file does not come back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final
from uuid import UUID

from django.db import transaction

from backend.archive.decode_child import DecodeChild
from backend.archive.ingest import named_by_content
from backend.archive.models import Archive, Instance
from backend.archive.part10 import part10
from backend.archive.scratch import ScratchFolder
from backend.archive.store import ObjectGroup, delete_object
from backend.archive.thumbnails import thumbnail_key
from backend.dicom.burnt_in import Rectangle
from backend.dicom.prepare import PreparationSettings
from backend.dicom.refusal import Refused

_PIXEL_FIELDS: Final = (
    "samples_per_pixel", "bits_allocated", "photometric_interpretation", "transfer_syntax_uid", "pixel_digest", "dhash",
    "dicom_json", "frame_ranges",
)  # fmt: skip


def blank_instance(
    instance: Instance,
    rectangles: Sequence[Rectangle],
    *,
    child: DecodeChild,
    note_former: Callable[[Sequence[str]], None],
) -> None:
    """Store the image anew with the rectangles black in every frame.

    `note_former` is told, in the transaction in which the row takes the new frames, which objects show what was there
    before: whoever wrote them down hands them to `forget_former` once that is committed. Another blanking may come first:
    then it begins again, from what that one has stored. Refused where it is no image, or cannot be decoded; then nothing
    has changed. Done twice it does no harm.
    """
    if instance.file_range is not None:
        raise Refused("This is an object that was made of a reading, not an image.")
    while not _blanked_as_read(instance, rectangles, child, note_former):
        instance.refresh_from_db()
    instance.refresh_from_db()


def forget_former(archive_id: UUID, keys: Collection[str]) -> None:
    """Delete objects that blankings have replaced, but for frames that an image still names."""
    with transaction.atomic():
        # Nobody comes to name one of them between the look and its end.
        Archive.objects.select_for_update().only("pk").filter(pk=archive_id).first()
        named = set(Instance.objects.filter(frames_key__in=keys).values_list("frames_key", flat=True))
        for key in keys:
            if key not in named:
                delete_object(key)


def _blanked_as_read(
    instance: Instance,
    rectangles: Sequence[Rectangle],
    child: DecodeChild,
    note_former: Callable[[Sequence[str]], None],
) -> bool:
    """Blank what the row was read to hold; False, and nothing has changed, where it holds something else by now."""
    archive, former = instance.series.study.archive, instance.frames_key
    asked = PreparationSettings(
        key=archive.key, deid_profile="none", modality=instance.series.modality, rectangles=rectangles
    )
    unchanged = Instance.objects.filter(pk=instance.pk, frames_key=former)
    with ScratchFolder("blank-") as folder, ObjectGroup() as objects:
        try:
            with (folder / "image.dcm").open("wb") as sink:
                sink.writelines(part10(instance).pieces)
        except FileNotFoundError:
            if unchanged.exists():
                raise
            return False
        prepared, blob = child.prepare(folder / "image.dcm", asked)
        frames_key = named_by_content(archive, blob)
        objects.write(key=frames_key, data=blob)
        objects.synchronise()
        with transaction.atomic():
            Archive.objects.select_for_update().only("pk").get(pk=archive.pk)
            changed = {name: prepared.instance[name] for name in _PIXEL_FIELDS}
            if not unchanged.update(frames_key=frames_key, **changed):
                if objects.is_visible(frames_key):
                    note_former([frames_key])  # it shows what the other blanking has taken out
                return False
            if former != frames_key:
                small = thumbnail_key(frames_key=former, received_digest=instance.received_digest)
                note_former([former, small])
            objects.publish([frames_key])
    return True
