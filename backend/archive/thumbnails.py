"""Thumbnails: 208×156 JPEG, made at the import, or else at the first request, and kept in the object store."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from backend.archive.models import Instance
from backend.archive.rendering import encode_image, render_frame
from backend.archive.store import get_object, put_object

SIZE: Final = (208, 156)
_QUALITY: Final = 82


def thumbnail_key(*, frames_key: str, received_digest: str) -> str:
    """Where the picture lies: named after what it shows, never after a row's number, which another database gives again."""
    return f"thumbnails/{hashlib.sha256(f'{frames_key} {received_digest}'.encode()).hexdigest()}.jpg"


def stored_thumbnail(key: str) -> bytes | None:
    """The JPEG that was kept there, None where it was not made yet."""
    try:
        return get_object(key)
    except FileNotFoundError:
        return None


def thumbnail_of(instance: Instance) -> bytes:
    """The JPEG of the instance's middle frame, from the store if it was made before."""
    key = thumbnail_key(frames_key=instance.frames_key, received_digest=instance.received_digest)
    made = stored_thumbnail(key)
    if made is None:
        made = make_thumbnail(render_frame(instance, (instance.number_of_frames + 1) // 2))
        put_object(key=key, data=made)
    return made


def make_thumbnail(pixels: npt.NDArray[np.uint8]) -> bytes:
    """The picture cropped to 4:3 about its centre and scaled to 208×156, as JPEG."""
    image = Image.fromarray(pixels)
    # A cheap whole-number reduction first: a 9-megapixel radiograph then costs milliseconds, not tenths of a second.
    factor = min(image.width // (2 * SIZE[0]), image.height // (2 * SIZE[1]))
    if factor > 1:
        image = image.reduce(factor)
    fitted = ImageOps.fit(image, SIZE, method=Image.Resampling.LANCZOS)
    return encode_image(np.asarray(fitted), "image/jpeg", _QUALITY)
