"""Hostile requests to the DICOMweb door by the thousand: bodies, headers, addresses. Equal seeds make equal requests."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes

from tests.soak.mutants import Original, cut, dicom_mutants, flipped

CONTENT_TYPE = b'multipart/related; type="application/dicom"; boundary=BOUNDARY'
_PATHS = ["", "/1.2.3.4", "/1.2.3.4", "/9", "/" + "1." * 31 + "1"]
_ACCEPTED = [b"application/dicom+json", b"application/dicom+xml", b"*/*", b"", b"text/html", b"\xff", b"a/b;q=nan," * 60]


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire; what was done to it is its name. After it the sender sends no more."""

    name: str
    data: bytes


def multipart(*files: bytes, header: bytes = b"Content-Type: application/dicom\r\n") -> bytes:
    """A body of these files, closed as it should be."""
    return b"".join(b"--BOUNDARY\r\n%b\r\n%b\r\n" % (header, data) for data in files) + b"--BOUNDARY--\r\n"


def stow_request(path: str, token: str, *files: bytes) -> Request:
    """An honest request that stores these files."""
    body = multipart(*files)
    headers = {b"Content-Type": CONTENT_TYPE, b"Content-Length": b"%d" % len(body)}
    return Request("good", written(b"POST", path, token, headers, body))


def stow_requests(
    path: str, token: str, good: list[bytes], originals: list[Original], rng: random.Random, count: int
) -> Iterator[Request]:
    """STOW-RS: `good` are instances that would be taken; `originals` are damaged and sent as parts."""
    ways: list[Callable[[list[bytes], random.Random], tuple[bytes, dict[bytes, bytes]]]] = [
        _damaged_body, _damaged_body, _other_boundary, _huge_header, _odd_headers, _no_end, _nested, _empty_parts, _packed,
        _wrong_length, _chunked, _other_parts, _bare,
    ]  # fmt: skip
    damaged = dicom_mutants(originals, rng, count * 2)
    for number in range(count):
        way = ways[number % len(ways)]
        files = [rng.choice(good), next(damaged).data, rng.choice(good)][: rng.randint(1, 3)]
        rng.shuffle(files)
        body, headers = way(files, rng)
        headers = {b"Content-Type": CONTENT_TYPE, b"Content-Length": b"%d" % len(body)} | headers
        if rng.random() < 0.3:
            headers[b"Accept"] = rng.choice(_ACCEPTED)
        yield Request(f"{number:05}{way.__name__}", written(b"POST", path + rng.choice(_PATHS), token, headers, body))


def written(method: bytes, path: str, token: str, headers: dict[bytes, bytes], body: bytes = b"") -> bytes:
    """A request as it goes over the wire; a field without a value is left out."""
    given = {b"Host": b"localhost", b"Authorization": f"Bearer {token}".encode(), b"Connection": b"close"} | headers
    lines = b"".join(b"%b: %b\r\n" % pair for pair in given.items() if pair[1] or pair[0] == b"Accept")
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, path.encode(), lines, body)


def _damaged_body(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    body = multipart(*files)
    return rng.choice([flipped, cut])(body, rng), {}


def _other_boundary(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    names = [b"OTHER", b'""', b"B" * 300, b'"BOUNDARY', b"BOUNDARY--", b"\xe4", b"a b", b"\t", b"", b"BOUND", b"*=utf-8''B"]
    return multipart(*files), {b"Content-Type": CONTENT_TYPE.replace(b"BOUNDARY", rng.choice(names))}


def _huge_header(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    size = rng.choice([1_000, 16_000, 17_000, 3_000_000])
    many = b"".join(b"X-%d: y\r\n" % number for number in range(size // 10))
    return multipart(*files, header=rng.choice([b"X: " + b"y" * size + b"\r\n", many, b":" * size, b"\r" * size])), {}


def _odd_headers(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    values = [
        b"", b"\0", b"\x01\x02", b"\xff\xfe", "ä".encode(), b"text/html", b"application/dicom\n text", b"=?utf-8?B?AAAA?=",
        b"=?x?q?=FF?=", b"application/dicom;" * 500, b"\xed\xa0\x80", b"a" * 300, b"'; DROP TABLE x--",
    ]  # fmt: skip
    name = rng.choice([b"Content-Type", b"Content-Type", b"Content-Length", b"Content-Transfer-Encoding", b"\xff", b""])
    return multipart(*files, header=b"%b: %b\r\n" % (name, rng.choice(values))), {}


def _no_end(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    body = multipart(*files)
    end = rng.choice([b"", b"--BOUNDARY", b"--BOUNDARY-", b"--BOUNDARY\r\n", b"--BOUNDARYX--\r\n", b"--BOUNDARY\r\n\r\n"])
    return body.removesuffix(b"--BOUNDARY--\r\n") + end, {}


def _nested(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    body = multipart(*files)
    for _ in range(rng.choice([1, 5, 200])):
        body = multipart(body, header=b"Content-Type: " + rng.choice([CONTENT_TYPE, b"application/dicom"]) + b"\r\n")
    return body, {}


def _empty_parts(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    count = rng.choice([1, 30, 300])
    return multipart(*[b""] * count, *files, header=rng.choice([b"", b"Content-Type: application/dicom\r\n"])), {}


def _packed(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    body = gzip.compress(multipart(*files, bytes(rng.choice([10, 5_000_000]))))
    return body, {b"Content-Encoding": rng.choice([b"gzip", b"x", b"identity", b"deflate, gzip", b"\xff"])}


def _wrong_length(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    body = multipart(*files)
    right = len(body)
    said = rng.choice([right - 1, right // 2, 0, -1, right + 1, right + 10**9, 10**30])
    return body, {b"Content-Length": rng.choice([b"%d" % said, b"%d" % said, b"x", b"%d, %d" % (right, right + 1)])}


def _chunked(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    body, pieces = multipart(*files), []
    while body:
        size = rng.choice([1, 7, 1000, 100_000])
        piece, body = body[:size], body[size:]
        said = len(piece) if rng.random() < 0.98 else rng.choice([0, len(piece) + 3, 2**40])
        pieces.append(b"%x%b\r\n%b\r\n" % (said, rng.choice([b"", b"", b";ext=" + b"x" * 100]), piece))
        if len(pieces) > 200:
            break
    ended = b"".join(pieces) + rng.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"", b"zz\r\n"])
    return ended, {b"Transfer-Encoding": b"chunked", b"Content-Length": b""}


def _other_parts(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    others = [b"PK\x03\x04" + bytes(40), b"{}" * 1000, b"\x89PNG\r\n\x1a\n" + bytes(30), bytes(132) + b"DICM", b"\r\n" * 500]
    return multipart(*files, rng.choice(others)), {}


def _bare(files: list[bytes], rng: random.Random) -> tuple[bytes, dict[bytes, bytes]]:
    kinds = [b"application/dicom", b"application/dicom;" + b"=;" * 400, b"application/dicom+json", b"multipart/", b"/"]
    return rng.choice(files), {b"Content-Type": rng.choice(kinds)}


_KEYS = [
    "PatientName", "PatientID", "StudyDate", "StudyTime", "ModalitiesInStudy", "Modality", "StudyInstanceUID", "00100010",
    "0020000D", "00400275.00400007", "AccessionNumber", "InstanceNumber", "NumberOfStudyRelatedInstances", "limit", "offset",
    "includefield", "fuzzymatching", "accept", "charset", "NoSuchThing", "99999999", "PixelData",
    "RequestAttributesSequence", "Rows", "window", "viewport", "quality", "iccprofile", "annotation",
]  # fmt: skip
_VALUES = [
    "", "*", "?" * 300, "*a" * 2_000, "1" * 400, "-1", "1e999", "NaN", "nan,nan", "20200101-", "-", "99999999-00000000",
    "20261340", "10:99", "all", "true", "%", "_", "\\", "\\" * 500, '"; DROP TABLE x--', "\0", "\ud7ff", "\U0010ffff",
    "ä^ö=ü=", "{0}", "{values}", "%(x)s", "%s", "1.2.3," * 499, "1.2.3," * 600, "1,1,-5,-5,9e99,9", "0,0",
    "4096,4096,0,0,1,1",
    "1,2,sigmoid", "inf,1",
]  # fmt: skip
_BELOW = [
    "studies", "series", "instances", "studies/{s}", "studies/{s}/series", "studies/{s}/metadata",
    "studies/{s}/series/{s}.1/metadata",
    "studies/{s}/series/{s}.1/rendered", "{i}", "{i}/frames/1", "{i}/frames/{f}", "{i}/frames/{f}/rendered", "{i}/rendered",
    "{i}/thumbnail", "{i}/bulkdata/{n}-{n}", "{i}/pixeldata", "studies/{f}", "{f}",
]  # fmt: skip
_FRAMES = ["0", "2", "1,1,1", "1," * 2_000 + "1", "-1", "1-2", "9" * 300, "x", "1,", "%00", "..%2f..", "1%2C1", "é"]


def get_requests(path: str, token: str, instance: str, rng: random.Random, count: int) -> Iterator[Request]:
    """QIDO-RS and WADO-RS: queries, addresses, Accept and Range; `instance` is the address of one that is there."""
    for number in range(count):
        below = rng.choice(_BELOW).format(
            s="1.2.3.4", i=instance, f=quote(rng.choice(_FRAMES), safe="%/"), n=rng.choice(["0", "9" * 30, "1"])
        )
        query = "&".join(f"{rng.choice(_KEYS)}={_value(rng)}" for _ in range(rng.choice([0, 1, 1, 2, 5])))
        headers = {}
        if rng.random() < 0.5:
            headers[b"Accept"] = rng.choice([*_ACCEPTED, b'multipart/related; type="*/*"; transfer-syntax=' + b"1." * 100])
        if rng.random() < 0.2:
            ranges = [b"bytes=0-0", b"bytes=5-1", b"bytes=-", b"bytes=" + b"0-1," * 900, b"x", b"bytes=-0"]
            headers[b"Range"] = rng.choice(ranges)
        if rng.random() < 0.2:
            headers[b"Prefer"] = b"count=exact"
        target = f"{path}/{below}" + (f"?{query}" if query else "")
        yield Request(f"{number:05}-{target[:150]}", written(b"GET", target, token, headers))


def _value(rng: random.Random) -> str:
    if rng.random() < 0.2:
        return quote_from_bytes(rng.randbytes(rng.choice([1, 5, 60])))
    return quote(rng.choice(_VALUES), safe=rng.choice(["", "*,^=-"]))
