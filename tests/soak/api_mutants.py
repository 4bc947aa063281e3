"""Hostile bodies for the API by the thousand, made from its own schema. Equal seeds make equal requests."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.soak.request_mutants import Request, written

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
_ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, -(2**63) - 1, 2**200, 1e308, -0.0, 1e-320, "", " ", "x" * 300, "x" * 70_000,
    "\0", "\ud800", "é" * 200, "\u202e\u200b", "../../etc/passwd", "'; DROP TABLE x--", "%s%n{0}", "1e999", "not-a-uuid",
    "2026-02-30T25:61:00Z", "00000000-0000-0000-0000-000000000000", [], {}, [[]], [None], {"": None}, {"\0": "\0"},
    {"__proto__": {}}, [0] * 3_000, {"a": {"b": {"c": []}}}, "http://[::1", "http://169.254.169.254/",
    "file:///etc/passwd", "http://user@host:99999/",
]  # fmt: skip
_BARE: list[bytes] = [
    b"", b"null", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 50_000, b'"' + b"x" * 500_000 + b'"', b"1e999",
    b"NaN", b"9" * 6_000, b'{"a": 1, "a": 2}', b"\xef\xbb\xbf{}", b"[{}," * 200_000 + b"{}]", b"{}\0", b'{"\\u0000": 1}',
    b'"\\ud800"',
]  # fmt: skip
_KINDS = [
    b"application/json; charset=utf-16", b"application/json; charset=zlib", b"text/plain",
    b"multipart/form-data; boundary=x",
    b"application/json;" * 300, b"", b"application/dicom+json", b"application/x-www-form-urlencoded", b"\xff/\xff",
]  # fmt: skip


_PLAIN: dict[str, list[Any]] = {"boolean": [True, False], "integer": [0, 1, 3, 50], "number": [0.0, 0.5, 12.25]}
_ETAGS = [b'"1"', b'"1"', b"*", b'"0"', b'W/"1"', b"\xff", b'"' + b"9" * 400 + b'"', b'"1", "2"']


@dataclass(frozen=True)
class Operation:
    """An operation that takes a body: its method, its path and what the schema says of the body."""

    name: str
    method: str
    path: str
    body: Mapping[str, Any]


class Schema:
    """The API's own document."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = yaml.load(SCHEMA.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    def operations(self) -> list[Operation]:
        """Every operation that takes JSON."""
        found = []
        for path, methods in self.document["paths"].items():
            for method, told in methods.items():
                content = told.get("requestBody", {}).get("content", {}) if isinstance(told, dict) else {}
                if "application/json" in content:
                    body = content["application/json"]["schema"]
                    found.append(Operation(told["operationId"], method.upper(), path, body))
        return found

    def example(self, schema: Mapping[str, Any], rng: random.Random, known: Mapping[str, Any], name: str = "") -> Any:
        """A value that the schema allows; one that is `known` by the name of its field where there is one."""
        if name in known and rng.random() < 0.9:
            return known[name]
        if "$ref" in schema:
            target = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
            return self.example(target, rng, known, name)
        for several in ("allOf", "oneOf", "anyOf"):
            if several in schema:
                return self.example(rng.choice(schema[several]), rng, known, name)
        if "enum" in schema:
            return rng.choice(schema["enum"])
        if schema.get("type") == "object":
            fields = schema.get("properties", {})
            return {key: self.example(field, rng, known, key) for key, field in fields.items() if rng.random() < 0.8}
        if schema.get("type") == "array":
            return [self.example(schema.get("items", {}), rng, known, name) for _ in range(rng.choice([0, 1, 2]))]
        return rng.choice(_PLAIN.get(schema.get("type", ""), ["a", "US", "1.2.3", "0" * 64]))


def api_requests(
    schema: Schema, token: str, places: Mapping[str, str], known: Mapping[str, Any], rng: random.Random, count: int
) -> Iterator[Request]:
    """Each operation in turn; `places` fill its path, `known` are values for fields of these names, and the `etag`."""
    operations = schema.operations()
    for number in range(count):
        operation = operations[number % len(operations)]
        path = operation.path
        for place, value in places.items():
            path = path.replace(f"{{{place}}}", value if rng.random() < 0.97 else rng.choice(["0", "9" * 30, "%00", "é"]))
        kind = b"application/json"
        if rng.random() < 0.12:
            body = rng.choice(_BARE)
        else:
            body = json.dumps(_damaged(schema.example(operation.body, rng, known), rng)).encode()
            if rng.random() < 0.1:
                at = rng.randrange(len(body))
                body = body[:at] + rng.choice([b"\xff", b"\0", b'"', b"\\", b"1e999"]) + body[at + rng.choice([0, 1, 9]) :]
            if rng.random() < 0.05:
                kind = rng.choice(_KINDS)
        headers = {b"Content-Type": kind, b"Content-Length": b"%d" % len(body)}
        if rng.random() < 0.6:
            headers[b"If-Match"] = rng.choice(
                [b'"1"', b"*", b'"0"', b'W/"1"', b"\xff", b'"' + b"9" * 400 + b'"', b'"1", "2"']
            )
        yield Request(
            f"{number:05}-{operation.name}-{body[:600]!r}",
            written(operation.method.encode(), path, token, headers, body),
        )


def _damaged(value: Any, rng: random.Random) -> Any:
    """Some of its values are others, gone or doubled; one in five stays whole."""
    if rng.random() < 0.2:
        return value
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        value = _changed(value, rng)
    return value


def _changed(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.1:
            return {other: kept for other, kept in value.items() if other != key} | {rng.choice(["\0", "id", "x" * 500]): 1}
        return value | {key: _changed(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        if rng.random() < 0.15 and len(json.dumps(value)) < 2_000:
            return value * 500
        at = rng.randrange(len(value))
        return [*value[:at], _changed(value[at], rng), *value[at + 1 :]]
    return rng.choice(_ODD)
