"""Frames: byte ranges of the stored object, sent as they lie."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from backend.archive.models import Instance
from backend.archive.rendering import native_bytes
from backend.archive.store import get_range
from backend.dicomweb import multipart
from backend.dicomweb.dicomweb_view import IMMUTABLE, DicomwebView, NotAcceptable, cached, is_current, not_modified
from backend.dicomweb.media_types import EXPLICIT_LITTLE_ENDIAN, IMAGE_TYPES, OCTET_STREAM, Representation, choose_frames
from backend.dicomweb.selectors import StoredFramesOf, stored_frames_of

_MAX_FRAMES = 1000


class FramesView(DicomwebView):
    """`…/frames/<n[,n…]>` of an instance."""

    def get(self, request: Request, slug: str, study: str, series: str, instance: str, frames: str) -> HttpResponse:
        """The frames, encoded as stored unless the caller can only use uncompressed ones."""
        found = stored_frames_of(self.project, self.role, study, series, instance)
        if found is None:
            raise Http404("No such instance in this project.")
        numbers = frame_numbers(frames, len(found.frame_ranges))
        chosen = choose_frames(self.accept(), found.transfer_syntax_uid)
        if chosen is None:
            raise NotAcceptable(_offered(found.transfer_syntax_uid))
        if not chosen.multipart and len(numbers) > 1:
            raise NotAcceptable(['multipart/related; type="application/octet-stream" (for more than one frame)'])
        etag = (
            f'"{found.frames_key.rpartition("/")[2][:32]}-{frames}-{chosen.syntax}-{chosen.part_type}-{chosen.multipart:d}"'
        )
        self.tell(study, [series])
        if is_current(request, etag):
            return not_modified(etag, IMMUTABLE)
        return cached(_answer(found, numbers, chosen), etag, IMMUTABLE)


def frame_numbers(text: str, count: int) -> list[int]:
    """The frame numbers of a request; 400 if they are no numbers, 404 if the instance lacks one."""
    parts = text.split(",")
    if len(parts) > _MAX_FRAMES or not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        raise ValidationError({"frames": ["Frame numbers are positive integers separated by commas."]})
    numbers = [int(part) for part in parts]
    if not all(1 <= number <= count for number in numbers):
        raise Http404(f"The instance has frames 1 to {count}.")
    return numbers


def _answer(found: StoredFramesOf, numbers: list[int], chosen: Representation) -> HttpResponse:
    frames = [get_range(found.frames_key, *found.frame_ranges[number - 1]) for number in numbers]
    if chosen.decode:
        instance = Instance.objects.get(pk=found.instance_id)
        frames = [native_bytes(instance, frame) for frame in frames]
    if not chosen.multipart:
        return HttpResponse(frames[0], content_type=chosen.content_type)
    boundary = multipart.new_boundary()
    content_type = multipart.content_type(chosen.part_type, boundary)
    return HttpResponse(multipart.body(frames, chosen.content_type, boundary), content_type=content_type)


def _offered(stored: str) -> list[str]:
    types = {OCTET_STREAM: EXPLICIT_LITTLE_ENDIAN}
    if stored in IMAGE_TYPES:
        types[IMAGE_TYPES[stored]] = stored
    return [f'multipart/related; type="{name}"; transfer-syntax={syntax}' for name, syntax in types.items()]
