"""Multipart bodies are cut where they should be, however their pieces arrive, and never beyond their limits."""

from __future__ import annotations

import io
import itertools
import random

import pytest

from backend.dicomweb import multipart_reader
from backend.dicomweb.multipart_reader import BodyTooLarge, MalformedBody, PartReader


@pytest.fixture
def read_parts(tmp_path, monkeypatch):
    """The header fields and bytes of each part of a body that arrives in pieces of the given size."""
    numbers = itertools.count()

    def read(body: bytes, piece: int = 1 << 16, boundary: str = "BX", **limits: int) -> list[tuple[dict, bytes]]:
        monkeypatch.setattr(multipart_reader, "PIECE_BYTES", piece)
        limits = {"max_bytes": 10**6, "max_part_bytes": 10**6, "max_parts": 100} | limits
        reader = PartReader(io.BytesIO(body).read, boundary, **limits)
        return [(dict(part.headers), part.path.read_bytes()) for part in reader.parts(lambda: tmp_path / str(next(numbers)))]

    return read


@pytest.mark.parametrize("piece", [1, 2, 7, 1000, 100_000])
def test_parts_come_out_as_they_went_in(read_parts, piece):
    draw = random.Random(piece)
    for _ in range(40):
        ends = [b"", b"\r\n", b"\r\n--B", b"--", b"--BX"]
        sent = [draw.randbytes(draw.choice([0, 1, 5, 300])) + draw.choice(ends) for _ in range(draw.randint(0, 4))]
        body = draw.choice([b"", b"a preamble\r\n"])
        for data in sent:
            body += b"--BX\r\n" + draw.choice([b"Content-Type: application/dicom\r\nX: y\r\n\r\n", b"\r\n"]) + data + b"\r\n"
        body += b"--BX--" + draw.choice([b"", b"\r\n", b"\r\nan epilogue"])
        assert [data for _, data in read_parts(body, piece)] == sent


def test_header_fields_are_read(read_parts):
    ((headers, _),) = read_parts(b'--BX\r\nContent-Type: application/dicom;\r\n transfer-syntax="1.2"\r\n\r\nx\r\n--BX--')
    assert headers["content-type"].startswith("application/dicom;") and '"1.2"' in headers["content-type"]


@pytest.mark.parametrize(
    "body",
    [b"", b"no boundary at all", b"--BX", b"--BX\r\n\r\nnot ended", b"--BX\r\nA: b", b"--BXY\r\n\r\nx\r\n--BX--"],
)
def test_a_body_that_is_cut_or_is_none_is_malformed(read_parts, body):
    with pytest.raises(MalformedBody):
        read_parts(body)


def test_a_header_without_end_is_malformed(read_parts):
    with pytest.raises(MalformedBody, match="too long"):
        read_parts(b"--BX\r\n" + b"A: " + b"b" * 40_000 + b"\r\n\r\nx\r\n--BX--", 512)


@pytest.mark.parametrize("boundary", ["", "x" * 201, "a\x01b", "ä"])
def test_an_impossible_boundary_is_malformed(read_parts, boundary):
    with pytest.raises(MalformedBody):
        read_parts(b"", boundary=boundary)


@pytest.mark.parametrize("limits", [{"max_bytes": 60}, {"max_part_bytes": 10}, {"max_parts": 1}])
def test_limits_hold(read_parts, limits):
    body = b"--BX\r\n\r\n" + b"x" * 20 + b"\r\n--BX\r\n\r\n" + b"y" * 20 + b"\r\n--BX--"
    assert len(read_parts(body)) == 2
    with pytest.raises(BodyTooLarge):
        read_parts(body, 16, **limits)
