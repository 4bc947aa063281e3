"""Cases as the networks see them, kept on this machine: small arrays, each under the pixels that it was made of."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from backend.archive.models import Instance

CACHE_VERSION: Final = 1


def cache_folder(name: str) -> Path:
    """Where arrays of one size and window lie; `name` tells which."""
    return Path(settings.DATA_DIR / "cache" / f"images-{CACHE_VERSION}-{name}")


def cached_at(folder: Path, case_id: UUID, images: Sequence[Instance]) -> Path:
    """The entry of a case. Parts of an image may be blanked: other pixels are another entry."""
    pixels = hashlib.sha256(" ".join(image.frames_key for image in images).encode()).hexdigest()[:12]
    return folder / f"{case_id}-{pixels}.npy"


def keep_pictures(place: Path, pictures: NDArray[np.uint8]) -> None:
    """Write the entry whole or not at all, in place of that of former pixels; a worker may die at any moment.

    Asks no database; `forget_outdated` comes after it.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    for former in place.parent.glob(f"{place.stem.rpartition('-')[0]}-*.npy"):
        former.unlink(missing_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as file:
        try:
            np.save(file, pictures)
            file.flush()
        except OSError:  # A full disk costs the cache, not the round.
            os.unlink(file.name)
            return
    os.replace(file.name, place)


def forget_outdated(entries: Mapping[Path, Sequence[Instance]]) -> None:
    """Of entries just written of these images, drop those whose pixels were blanked while they were decoded.

    They are looked for once the entry is there, so that either this or `forget_pictures`, which comes after the blanking,
    sees them.
    """
    if not entries:
        return
    ids = [image.pk for images in entries.values() for image in images]
    now = Instance.objects.only("frames_key").in_bulk(ids)
    for place, images in entries.items():
        if any(image.pk not in now or now[image.pk].frames_key != image.frames_key for image in images):
            place.unlink(missing_ok=True)


def forget_pictures(cases: Iterable[UUID]) -> None:
    """Drop every entry of these cases: their pixels are others now."""
    for case_id in cases:
        for place in (settings.DATA_DIR / "cache").glob(f"images-*/{case_id}-*.npy"):
            place.unlink(missing_ok=True)
