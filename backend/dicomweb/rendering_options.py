"""The query parameters of rendered resources (PS3.18 8.3.5.1), understood and applied."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from django.http import QueryDict
from PIL import Image
from rest_framework.exceptions import ValidationError

from backend.archive.rendering import Function, Window

_FUNCTIONS: Final = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
Viewport = tuple[float, ...]

_MAX_VIEWPORT: Final = 4096
_REFUSED: Final = {
    "annotation": "No annotation is burnt into rendered images; leave this parameter out.",
    "presentationstate": "Presentation states are not applied; leave this parameter out.",
    "presentationseriesuid": "Presentation states are not applied; leave this parameter out.",
    "presentationuid": "Presentation states are not applied; leave this parameter out.",
}


@dataclass(frozen=True, slots=True)
class RenderingOptions:
    """How an image is drawn. `viewport`: width and height to fit into, and x, y, w, h of the part to show, if any."""

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = 90


def rendering_options(query: QueryDict) -> RenderingOptions:
    """The options of a query; 400 for a value that means nothing, and for what is not done here."""
    for name in query:
        if reason := _REFUSED.get(name.lower()):
            raise ValidationError({name: [reason]})
    if query.get("iccprofile", "no").lower() != "no":
        raise ValidationError({"iccprofile": ["Rendered images carry no ICC profile; only iccprofile=no is done."]})
    return RenderingOptions(_window(query), viewport_of(query), _quality(query))


def _numbers(name: str, parts: list[str]) -> list[float]:
    try:
        values = [float(part) if part else math.nan for part in parts]
    except ValueError:
        raise ValidationError({name: ["Numbers separated by commas are expected."]}) from None
    if any(math.isinf(value) for value in values):
        raise ValidationError({name: ["Finite numbers are expected."]})
    return values


def _window(query: QueryDict) -> Window | None:
    """`window=center,width,function`."""
    if not (text := query.get("window")):
        return None
    parts = text.split(",")
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2].lower() not in _FUNCTIONS):
        raise ValidationError({"window": ["Expected: center,width,function with linear, linear-exact or sigmoid."]})
    center, width = _numbers("window", parts[:2])
    if math.isnan(center) or math.isnan(width) or width <= 0:
        raise ValidationError({"window": ["Center must be a number and width a positive one."]})
    function = _FUNCTIONS[parts[2].lower()] if len(parts) == 3 else "LINEAR"
    return Window(center, width, cast(Function, function))


def viewport_of(query: QueryDict) -> Viewport | None:
    """`viewport=vw,vh[,sx,sy,sw,sh]`: the box to fit into, and the part of the image to show (negative size flips).

    400 for what is none.
    """
    if not (text := query.get("viewport")):
        return None
    parts = text.split(",")
    if len(parts) not in (2, 6):
        raise ValidationError({"viewport": ["Expected: vw,vh or vw,vh,sx,sy,sw,sh."]})
    values = _numbers("viewport", parts)
    if not all(1 <= value <= _MAX_VIEWPORT for value in values[:2]):
        raise ValidationError({"viewport": [f"Width and height lie between 1 and {_MAX_VIEWPORT}."]})
    return tuple(values)


def _quality(query: QueryDict) -> int:
    text = query.get("quality", "90")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 100):
        raise ValidationError({"quality": ["An integer from 1 to 100 is expected."]})
    return int(text)


def fitted(pixels: npt.NDArray[np.uint8], viewport: Viewport | None) -> npt.NDArray[np.uint8]:
    """The image, or its part, scaled into the viewport with its aspect kept."""
    if viewport is None:
        return pixels
    if len(viewport) == 6:
        pixels = _part(pixels, viewport[2:])
    rows, columns = pixels.shape[:2]
    scale = min(viewport[0] / columns, viewport[1] / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    if size == (columns, rows):
        return pixels
    resample = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize(size, resample))


def _part(pixels: npt.NDArray[np.uint8], source: tuple[float, ...]) -> npt.NDArray[np.uint8]:
    rows, columns = pixels.shape[:2]
    x, y, width, height = (
        default if math.isnan(value) else value for value, default in zip(source, (0.0, 0.0, columns, rows), strict=True)
    )
    left, top = int(max(0, x)), int(max(0, y))
    right, bottom = int(min(columns, x + abs(width))), int(min(rows, y + abs(height)))
    if left >= right or top >= bottom:
        raise ValidationError({"viewport": ["The part asked for lies outside the image."]})
    part = pixels[top:bottom, left:right]
    if width < 0:
        part = part[:, ::-1]
    if height < 0:
        part = part[::-1]
    return np.ascontiguousarray(part)
