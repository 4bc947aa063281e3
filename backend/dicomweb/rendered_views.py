"""Rendered frames: what an eye should see, as PNG or JPEG, windowed and scaled as asked (PS3.18 8.3.5)."""

from __future__ import annotations

import math
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from PIL import Image
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.archive.rendering import Function, Window, encode_image, render_frame
from backend.archive.thumbnails import thumbnail_of
from backend.dicomweb.dicomweb_view import IMMUTABLE, DicomwebView, NotAcceptable, cached, is_current, not_modified
from backend.dicomweb.frame_views import frame_numbers
from backend.dicomweb.media_types import choose_type
from backend.dicomweb.selectors import instances_at

_FUNCTIONS: Final = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_TYPES: Final = ("image/jpeg", "image/png")
_MAX_VIEWPORT: Final = 4096


class RenderedView(DicomwebView):
    """`…/instances/<uid>/rendered` and `…/frames/<n>/rendered`."""

    def get(
        self, request: Request, slug: str, study: str, series: str, instance: str, frames: str | None = None
    ) -> HttpResponse:
        """One frame; without a number the middle one of the instance."""
        media_type = choose_type(self.accept(), _TYPES)
        if media_type is None:
            raise NotAcceptable(_TYPES)
        found = instances_at(self.cases, study, series, instance).first()
        if found is None:
            raise Http404("No such instance in this project.")
        numbers = frame_numbers(frames, len(found.frame_ranges)) if frames else [(found.number_of_frames + 1) // 2]
        if len(numbers) != 1:
            raise ValidationError({"frames": ["One frame is rendered at a time."]})
        window, viewport, quality = _window(request.GET), _viewport(request.GET), _quality(request.GET)
        self.tell(study, [series])
        etag = f'"r{found.pk}-{numbers[0]}-{media_type[6:]}-{hash_of(request.GET)}"'
        if is_current(request, etag):
            return not_modified(etag, IMMUTABLE)
        pixels = _fitted(render_frame(found, numbers[0], window), viewport)
        return cached(HttpResponse(encode_image(pixels, media_type, quality), content_type=media_type), etag, IMMUTABLE)


class ThumbnailView(DicomwebView):
    """`…/thumbnail` of a study, a series or an instance: its middle image, 208×156."""

    def get(
        self, request: Request, slug: str, study: str, series: str | None = None, instance: str | None = None
    ) -> HttpResponse:
        """The same small JPEG that the worklist shows."""
        if choose_type(self.accept(), ("image/jpeg",)) is None:
            raise NotAcceptable(["image/jpeg"])
        found = middle_of(instances_at(self.cases, study, series, instance))
        etag = f'"t{found.pk}"'
        if is_current(request, etag):
            return not_modified(etag, IMMUTABLE)
        return cached(HttpResponse(thumbnail_of(found), content_type="image/jpeg"), etag, IMMUTABLE)


def middle_of(instances: QuerySet[Instance]) -> Instance:
    """The instance in the middle of the reading order; 404 if there is none."""
    keys = list(instances.values_list("pk", flat=True))
    if not keys:
        raise Http404("No such study, series or instance in this project.")
    return Instance.objects.get(pk=keys[len(keys) // 2])


def hash_of(query: QueryDict) -> str:
    """The parameters that change the picture, as a word for the ETag."""
    parts = [query.get(name, "") for name in ("window", "viewport", "quality")]
    return "_".join(part.replace(",", ".").replace('"', "") for part in parts)


def _numbers(query: QueryDict, name: str, parts: list[str]) -> list[float]:
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
    center, width = _numbers(query, "window", parts[:2])
    if math.isnan(center) or math.isnan(width) or width <= 0:
        raise ValidationError({"window": ["Center must be a number and width a positive one."]})
    function = _FUNCTIONS[parts[2].lower()] if len(parts) == 3 else "LINEAR"
    return Window(center, width, cast(Function, function))


def _viewport(query: QueryDict) -> list[float] | None:
    """`viewport=vw,vh[,sx,sy,sw,sh]`: the box to fit into, and the part of the image to show (negative size flips)."""
    if not (text := query.get("viewport")):
        return None
    parts = text.split(",")
    if len(parts) not in (2, 6):
        raise ValidationError({"viewport": ["Expected: vw,vh or vw,vh,sx,sy,sw,sh."]})
    values = _numbers(query, "viewport", parts)
    if not all(1 <= value <= _MAX_VIEWPORT for value in values[:2]):
        raise ValidationError({"viewport": [f"Width and height lie between 1 and {_MAX_VIEWPORT}."]})
    return values


def _quality(query: QueryDict) -> int:
    text = query.get("quality", "90")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 100):
        raise ValidationError({"quality": ["An integer from 1 to 100 is expected."]})
    return int(text)


def _fitted(pixels: npt.NDArray[np.uint8], viewport: list[float] | None) -> npt.NDArray[np.uint8]:
    """The image, or its part, scaled into the viewport with its aspect kept."""
    if viewport is None:
        return pixels
    if len(viewport) == 6:
        pixels = _part(pixels, viewport[2:])
    rows, columns = pixels.shape[:2]
    scale = min(viewport[0] / columns, viewport[1] / rows)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    resample = Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize(size, resample))


def _part(pixels: npt.NDArray[np.uint8], source: list[float]) -> npt.NDArray[np.uint8]:
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
