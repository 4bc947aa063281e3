"""STOW-RS: instances come in part by part, each through the import's own door, and each is answered for (PS3.18 10.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.request import Request

from backend.archive.scratch import ScratchFolder
from backend.dicom.identity import Identity
from backend.dicom.refusal import Refused
from backend.dicomweb.dicomweb_view import DicomwebView, NotAcceptable
from backend.dicomweb.instance_views import InstancesView
from backend.dicomweb.media_types import DICOM, choose_type, parse_accept
from backend.dicomweb.multipart_reader import PIECE_BYTES, BodyTooLarge, MalformedBody, Part, PartReader, Read
from backend.dicomweb.search_views import SearchStudiesView
from backend.dicomweb.store_response import StoreResponse
from backend.dicomweb.xml import XML_TYPE, native_xml
from backend.exchange.receiving import Received, Reception

ORIGIN: Final = "STOW-RS"
_ANSWERS: Final = ("application/dicom+json", "application/json", XML_TYPE)
_MAX_PARTS: Final = 10_000


class TooLarge(APIException):
    """413."""

    status_code = 413
    default_code = "too_large"


class StoringView(DicomwebView):
    """POST of instances, for the views at `/studies` and `/studies/<uid>`."""

    def post(self, request: Request, slug: str, study: str | None = None) -> HttpResponse:
        """Store every instance of the body; the answer tells of each what became of it."""
        answered = choose_type(self.accept(), _ANSWERS)
        if answered is None:
            raise NotAcceptable(_ANSWERS)
        result = StoreResponse(self.root())
        reception = Reception(project=self.project, by=self.user, origin=ORIGIN, study=study)
        with ScratchFolder("stow-") as folder, reception:
            try:
                for part in _parts(request, _new_files(folder)):
                    _take(reception, part, result)
                    part.path.unlink()
                reception.flush()
            except MalformedBody as error:
                reception.flush()
                raise ParseError(_so_far(str(error), result)) from error
            except BodyTooLarge as error:
                reception.flush()
                raise TooLarge(_so_far(str(error), result)) from error
        if result.count == 0:
            raise ParseError("The body holds no instance.")
        module = result.dataset()
        body = native_xml(module) if answered == XML_TYPE else msgspec.json.encode(module)
        return HttpResponse(body, content_type=answered, status=result.status)


class StudiesView(StoringView, SearchStudiesView):
    """`/studies`."""

    operations: ClassVar[dict[str, str]] = {"GET": "dicomweb.search", "POST": "dicomweb.store"}


class StudyView(StoringView, InstancesView):
    """`/studies/<uid>`."""

    operations: ClassVar[dict[str, str]] = {"GET": "dicomweb.retrieve", "POST": "dicomweb.store"}


def _take(reception: Reception, part: Part, result: StoreResponse) -> None:
    part_type = part.headers.get("content-type", DICOM).partition(";")[0].strip().lower()
    if part_type != DICOM:
        result.add(Received(Identity(), None, Refused(f"Damaged: a part is {part_type[:40]}, not {DICOM}.")))
        return
    reception.take(part.path, result.add)


def _so_far(reason: str, result: StoreResponse) -> str:
    """Instances before the break were taken; who sends all again does no harm."""
    return f"{reason} {len(result.stored)} instances before it were stored." if result.stored else reason


def _new_files(folder: Path) -> Callable[[], Path]:
    numbers = count()
    return lambda: folder / str(next(numbers))


def _parts(request: Request, new_file: Callable[[], Path]) -> Iterator[Part]:
    """The instances of the body, each as a file; 415 for what is no DICOM, or packed."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(encoding, detail="Send the bytes as they are, without Content-Encoding.")
    given = request.headers.get("Content-Type", "")
    wanted = next(iter(parse_accept(given)), None) if given else None
    if wanted is None or wanted.part_type not in (DICOM, "*/*") or wanted.media_type not in (DICOM, "multipart/related"):
        raise UnsupportedMediaType(given[:100], detail=f'Send multipart/related; type="{DICOM}", one instance a part.')
    read = body_of(request._request)
    if wanted.media_type == DICOM:
        return _single(read, new_file())
    reader = PartReader(
        read,
        wanted.boundary,
        max_bytes=settings.STOW_MAX_BYTES,
        max_part_bytes=settings.STOW_MAX_INSTANCE_BYTES,
        max_parts=_MAX_PARTS,
    )
    return reader.parts(new_file)


def _single(read: Read, path: Path) -> Iterator[Part]:
    size = 0
    with path.open("wb") as file:
        while piece := read(PIECE_BYTES):
            size += len(piece)
            if size > settings.STOW_MAX_INSTANCE_BYTES:
                raise BodyTooLarge(f"One instance has at most {settings.STOW_MAX_INSTANCE_BYTES >> 20} MB.")
            file.write(piece)
    yield Part({}, path, size)


def body_of(request: HttpRequest) -> Read:
    """Reads the body piece by piece, also one of unknown length (chunked), which Django takes for none.

    What the sender did is MalformedBody; an error of this server's own stays what it is, to be answered by 500 and logged.
    """
    environ: dict[str, Any] = request.META
    is_chunked = not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated")
    read: Read = environ["wsgi.input"].read if is_chunked else request.read

    def piece(count: int) -> bytes:
        try:
            return read(count)
        except Exception as error:  # each server has errors of its own for chunks that lie and senders gone
            if _is_our_own(error):
                raise
            raise MalformedBody("The body breaks off, or its chunks are not as long as they say.") from error

    return piece


def _is_our_own(error: Exception) -> bool:
    """Whether reading failed here: not a connection that ended or fell silent, and not a body that lies."""
    cause = error.__cause__ if isinstance(error, UnreadablePostError) and error.__cause__ is not None else error
    if isinstance(cause, OSError):
        return cause.errno is not None and not isinstance(cause, ConnectionError | TimeoutError)
    return isinstance(cause, MemoryError)
