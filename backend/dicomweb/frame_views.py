"""Frames: byte ranges of the stored object, sent as they lie, or transcoded for who asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.archive.rendering import read_header
from backend.archive.store import get_range
from backend.archive.transcoding import transcoded_frame
from backend.dicom.header import frame_format
from backend.dicom.stored_frames import FrameFormat
from backend.dicom.transcode import can_encode
from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import (
    DicomwebView,
    NotAcceptable,
    cached,
    is_current,
    kept_by_caches,
    not_modified,
)
from backend.dicomweb.etags import etag_of
from backend.dicomweb.media_types import Representation, choose_frames, frame_types
from backend.dicomweb.selectors import StoredFramesOf, stored_frames_of

_MAX_FRAMES = 1000


class FramesView(DicomwebView):
    """`…/frames/<n[,n…]>` of an instance."""

    def get(self, request: Request, slug: str, study: str, series: str, instance: str, frames: str) -> HttpResponseBase:
        """The frames, encoded as stored unless the caller can only use another encoding."""
        found = stored_frames_of(self.shown, study, series, instance)
        if found is None:
            raise Http404("No such instance in this project.")
        numbers = frame_numbers(frames, len(found.frame_ranges))
        return answer_frames(self, found, numbers, study, series)


class PixelDataView(DicomwebView):
    """`…/instances/<uid>/pixeldata`: all its frames."""

    def get(self, request: Request, slug: str, study: str, series: str, instance: str) -> HttpResponseBase:
        """The frames in their order, one part each."""
        found = stored_frames_of(self.shown, study, series, instance)
        if found is None:
            raise Http404("No such instance in this project.")
        return answer_frames(self, found, range(1, len(found.frame_ranges) + 1), study, series)


def answer_frames(
    view: DicomwebView, found: StoredFramesOf, numbers: Sequence[int], study: str, series: str
) -> HttpResponseBase:
    """These frames in the representation that the caller likes best."""
    chosen = choose_frames(view.accept(), found.transfer_syntax_uid)
    if chosen is None:
        raise NotAcceptable(frame_types(found.transfer_syntax_uid))
    if not chosen.multipart and len(numbers) > 1:
        raise NotAcceptable(['multipart/related; type="application/octet-stream" (for more than one frame)'])
    etag = etag_of(found.frames_key, list(numbers), chosen)
    kept = kept_by_caches(view.request, found.frames_key)
    view.tell(study, [series])
    if is_current(view.request, etag):
        return not_modified(etag, kept)
    form = None if chosen.is_stored else _form(found, chosen)
    frames = (_frame(found, number, form, chosen) for number in numbers)
    if not chosen.multipart:
        return cached(HttpResponse(next(frames), content_type=chosen.content_type), etag, kept)
    boundary = multipart.new_boundary()
    content_type = multipart.content_type(chosen.part_type, boundary)
    if len(numbers) == 1:
        body = multipart.body(frames, chosen.content_type, boundary)
        return cached(HttpResponse(body, content_type=content_type), etag, kept)
    parts = ((chosen.content_type, frame) for frame in frames)
    return cached(StreamingHttpResponse(multipart.stream_body(parts, boundary), content_type=content_type), etag, kept)


def frame_numbers(text: str, count: int) -> list[int]:
    """The frame numbers of a request; 400 if they are no numbers, 404 if the instance lacks one."""
    parts = text.split(",")
    if len(parts) > _MAX_FRAMES or not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise ValidationError({"frames": ["Frame numbers are positive integers separated by commas."]})
    numbers = [int(part) for part in parts]
    if not all(1 <= number <= count for number in numbers):
        raise Http404(f"The instance has frames 1 to {count}.")
    return numbers


def _form(found: StoredFramesOf, chosen: Representation) -> FrameFormat:
    form = frame_format(read_header(Instance.objects.only("dicom_json").get(pk=found.instance_id)))
    if found.is_published or not can_encode(form, chosen.syntax):
        raise NotAcceptable(frame_types(found.transfer_syntax_uid)[:1])
    return form


def _frame(found: StoredFramesOf, number: int, form: FrameFormat | None, chosen: Representation) -> bytes:
    stored = get_range(found.frames_key, *found.frame_ranges[number - 1])
    return stored if form is None else transcoded_frame(stored, form, chosen.syntax)
