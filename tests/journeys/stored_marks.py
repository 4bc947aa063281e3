"""A reader's marks as the database has them, and that a reload shows the same ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import expect

from backend.accounts.models import User
from backend.archive.store import get_object
from backend.geometry.rle import blob_key, decode_mask
from backend.readings.models import Lesion, Reading
from tests.journeys.room import Room


def own(user: User) -> list[Lesion]:
    """The reader's lesions in the order in which they were made."""
    return list(Lesion.objects.filter(reading__reader__user=user).order_by("created_at", "id"))


def mask_of(lesion: Lesion) -> NDArray[np.bool_]:
    """The lesion's mask as it is stored: cropped; frames, rows, columns."""
    return np.asarray(decode_mask(get_object(blob_key(lesion.mask_digest)), lesion.mask_shape), dtype=bool)


def body(lesion: Lesion, frames: int, rows: int = 512, columns: int = 512) -> NDArray[np.bool_]:
    """The lesion's mask laid in the whole series."""
    whole = np.zeros((frames, rows, columns), dtype=bool)
    (f, r, c), (n, height, width) = lesion.mask_origin, lesion.mask_shape
    whole[f : f + n, r : r + height, c : c + width] = mask_of(lesion)
    return whole


def same_after_reload(room: Room, user: User, marks: int, *slices: int) -> None:
    """What is drawn and what is stored stay as they are; `marks` are seen, of a series on each of these slices (or 5)."""
    room.press("Escape", "Escape")
    before, stored = _drawn(room, marks, slices or (5,)), _stored(user)
    room.page.reload()
    expect(room.page.get_by_test_id("window")).to_be_visible(timeout=180_000)
    assert _drawn(room, marks, slices or (5,)) == before
    assert _stored(user) == stored


def _drawn(room: Room, marks: int, slices: tuple[int, ...]) -> list[list[str]]:
    """The lines on each slice; a reload opens on the first lesion's middle, and both looks are at the same slices."""
    seen = []
    for number in slices if room.page.get_by_text(re.compile(r"Slice \d")).count() else (1,):
        _show_slice(room, number)
        expect(room.marks).to_have_count(marks)
        seen.append(room.drawn())
    return seen


def _show_slice(room: Room, number: int) -> None:
    if room.page.get_by_text(re.compile(r"Slice \d")).count():
        room.press("Home", *["ArrowDown"] * (number - 1))
        expect(room.page.get_by_text(f"Slice {number} /")).to_be_visible()


def _stored(user: User) -> list[Any]:
    marks: list[Any] = [
        (one.kind, one.points, one.instance_id, one.frame, one.mask_digest, one.mask_origin) for one in own(user)
    ]
    measurements = Reading.objects.filter(reader__user=user).order_by("pk").values_list("measurements", flat=True)
    return marks + [(one["kind"], one["points"]) for each in measurements for one in each]
