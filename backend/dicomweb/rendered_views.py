"""Rendered images: what an eye should see, as PNG or JPEG, windowed and scaled as asked (PS3.18 8.3.5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from backend.accounts.compiled_select import CompiledSelect
from backend.archive.models import Instance
from backend.archive.rendering import encode_image, render_frame
from backend.archive.thumbnails import make_thumbnail, thumbnail_of
from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import (
    REVALIDATE,
    DicomwebView,
    NotAcceptable,
    cached,
    is_current,
    kept_by_caches,
    not_modified,
)
from backend.dicomweb.etags import content_of, etag_of
from backend.dicomweb.frame_views import frame_numbers
from backend.dicomweb.kept_pictures import SHARED
from backend.dicomweb.media_types import choose_image
from backend.dicomweb.rendering_options import RenderingOptions, Viewport, fitted, rendering_options, viewport_of
from backend.dicomweb.selectors import Shown, images_at, series_of, stored_frames_of

_TYPES: Final = ("image/jpeg", "image/png")
_MAX_IMAGES: Final = 1000
_CHUNK: Final = 20
_INSTANCE: Final = CompiledSelect.of_models((Instance,), f"FROM {Instance._meta.db_table} WHERE id = %s")


class RenderedView(DicomwebView):
    """`…/rendered` of a study, a series, an instance or frames of it."""

    def get(
        self,
        request: Request,
        slug: str,
        study: str,
        series: str | None = None,
        instance: str | None = None,
        frames: str | None = None,
    ) -> HttpResponseBase:
        """Bare: one image, the one named or else the middle one. In parts: all of the study, series, instance or list."""
        chosen = choose_image(self.accept(), _TYPES)
        if chosen is None:
            raise NotAcceptable([*_TYPES, *(f'multipart/related; type="{name}"' for name in _TYPES)])
        media_type, in_parts = chosen
        options = rendering_options(request.GET)
        if in_parts:
            found = images_at(self.shown, study, series, instance)
            images = _images(found, frames)
            self.tell(study, [series] if series is not None else series_of(found))
            boundary = multipart.new_boundary()
            drawn = ((media_type, _drawn(one, number, media_type, options)) for one, number in images)
            response = StreamingHttpResponse(
                multipart.stream_body(drawn, boundary), content_type=multipart.content_type(media_type, boundary)
            )
            response["Cache-Control"] = REVALIDATE
            return response
        if series is None or instance is None:
            one = middle_of(images_at(self.shown, study, series))
        else:
            one = _single(self.shown, study, series, instance)
        numbers = frame_numbers(frames, len(one.frame_ranges)) if frames else [(one.number_of_frames + 1) // 2]
        if len(numbers) != 1:
            raise NotAcceptable([f'multipart/related; type="{name}" (for more than one frame)' for name in _TYPES])
        self.tell(study, [series if series is not None else one.series.series_instance_uid])
        etag = etag_of(content_of(one), numbers, media_type, options)
        # The middle of a study or a series is another when it grows; who holds it asks again.
        kept = kept_by_caches(request, one.frames_key) if instance else REVALIDATE
        if is_current(request, etag):
            return not_modified(etag, kept)
        picture = SHARED.picture(etag, lambda: _drawn(one, numbers[0], media_type, options))
        return cached(HttpResponse(picture, content_type=media_type), etag, kept)


def _single(shown: Shown, study: str, series: str, instance: str) -> Instance:
    """The one instance; 404 if there is none. Found as its frames are: by a query that is not composed anew."""
    found = stored_frames_of(shown, study, series, instance)
    if found is None or found.is_published:
        raise Http404("No such image in this project.")
    instance_row: Instance = next(_INSTANCE.instances([found.instance_id]))[0]
    return instance_row


def _images(instances: QuerySet[Instance], frames: str | None) -> Iterator[tuple[Instance, int]]:
    """Instances with the numbers of their frames, in reading order; 400 if there are too many to draw at once."""
    counts = list(instances.values_list("number_of_frames", flat=True))
    if not counts:
        raise Http404("No such study, series or instance in this project.")
    named = frame_numbers(frames, counts[0]) if frames else None
    if named is None and sum(counts) > _MAX_IMAGES:
        raise ValidationError({"detail": [f"At most {_MAX_IMAGES} frames are rendered at once; ask for some of them."]})
    return (
        (one, number)
        for one in instances.iterator(chunk_size=_CHUNK)
        for number in (named or range(1, one.number_of_frames + 1))
    )


def _drawn(instance: Instance, number: int, media_type: str, options: RenderingOptions) -> bytes:
    pixels = fitted(render_frame(instance, number, options.window), options.viewport)
    return encode_image(pixels, media_type, options.quality)


class ThumbnailView(DicomwebView):
    """`…/thumbnail` of a study, a series, an instance or a frame: its middle image, 208×156 or as `viewport` says."""

    def get(
        self,
        request: Request,
        slug: str,
        study: str,
        series: str | None = None,
        instance: str | None = None,
        frames: str | None = None,
    ) -> HttpResponse:
        """The same small JPEG that the worklist shows; with `viewport` the whole image, or its part, scaled into that."""
        if choose_image(self.accept(), ("image/jpeg",)) is None:
            raise NotAcceptable(["image/jpeg"])
        found = middle_of(images_at(self.shown, study, series, instance))
        numbers = frame_numbers(frames, len(found.frame_ranges)) if frames else []
        if len(numbers) > 1:
            raise ValidationError({"frames": ["A thumbnail shows one frame."]})
        viewport = viewport_of(request.GET)
        etag = etag_of("thumbnail", content_of(found), numbers, viewport)
        if is_current(request, etag):
            return not_modified(etag, REVALIDATE)
        return cached(HttpResponse(_small(found, numbers, viewport), content_type="image/jpeg"), etag, REVALIDATE)


def _small(instance: Instance, numbers: list[int], viewport: Viewport | None) -> bytes:
    """A JPEG of the frame named, or else of the middle one: the usual thumbnail where no viewport is asked for."""
    if viewport is None:
        return make_thumbnail(render_frame(instance, numbers[0])) if numbers else thumbnail_of(instance)
    number = numbers[0] if numbers else (instance.number_of_frames + 1) // 2
    return _drawn(instance, number, "image/jpeg", RenderingOptions(viewport=viewport))


def middle_of(instances: QuerySet[Instance]) -> Instance:
    """The instance in the middle of the reading order; 404 if there is none."""
    keys = list(instances.values_list("pk", flat=True))
    if not keys:
        raise Http404("No such study, series or instance in this project.")
    return Instance.objects.get(pk=keys[len(keys) // 2])
