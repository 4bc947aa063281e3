"""Multipart bodies arrive in pieces of any size, and may end too early."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.dimse.multipart_stream import BadMultipart, boundary_of, parts_into_files

BODY = (
    b"preamble\r\n--b1\r\nContent-Type: application/dicom\r\n\r\none\r\n--b2x\r\n--b1\r\n\r\n\r\n--b1\r\nA: b\r\n\r\n"
    b"\r\nthree--b1\r\n--b1--\r\nend"
)


def parts(body: bytes, size: int, folder: Path) -> list[bytes]:
    numbers = iter(range(1000))

    def place() -> Path:
        return folder / f"{size}-{next(numbers)}"

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    return [path.read_bytes() for path in parts_into_files(pieces(), b"b1", place)]


def test_parts_are_the_same_however_the_body_is_cut(tmp_path: Path) -> None:
    for size in (1, 2, 3, 7, 1000):
        assert parts(BODY, size, tmp_path) == [b"one\r\n--b2x", b"", b"\r\nthree--b1"]


def test_a_body_that_ends_within_a_part_leaves_no_file_of_it(tmp_path: Path) -> None:
    with pytest.raises(BadMultipart):
        parts(b"--b1\r\n\r\nwhole\r\n--b1\r\n\r\nhalf", 5, tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"whole"]


def test_the_boundary_comes_from_the_header() -> None:
    assert boundary_of('multipart/related; type="application/dicom"; boundary="a b"') == b"a b"
    for other in ("application/json", "multipart/related", ""):
        with pytest.raises(BadMultipart):
            boundary_of(other)
