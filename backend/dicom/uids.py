"""Digests and UIDs under an archive's key: the same input, the same output, and nobody without the key can link them."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from pathlib import Path
from typing import BinaryIO, Final

_UID: Final = re.compile(r"(?<![0-9])[0-2](?:\.(?:0|[1-9][0-9]*)){3,}(?![0-9])")
"""A UID (PS3.5 section 9) within other text; of four components at least, so that no measure is taken for one."""


def keyed_digest(key: str, purpose: str, data: bytes | str) -> str:
    """HMAC-SHA256 (hex) of `data` under `key`; `purpose` keeps digests of different things apart."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return hmac.new(bytes.fromhex(key), purpose.encode() + b"\0" + raw, hashlib.sha256).hexdigest()


def keyed_uid(key: str, purpose: str, data: bytes | str) -> str:
    """A UUID-derived UID (PS3.5 B.2, root 2.25) from the keyed digest of `data`."""
    return _uid_of(keyed_digest(key, purpose, data))


def keyed_uid_of_file(key: str, purpose: str, file: BinaryIO) -> str:
    """`keyed_uid` of all that an open file holds, read in pieces."""
    file.seek(0)
    return _uid_of(_digest_of_pieces(key, purpose, file))


def with_keyed_uids(key: str, text: str) -> str:
    """A text in which every UID stands as an archive of this key names the study, series or image that has it."""
    return _UID.sub(lambda found: keyed_uid(key, "uid", found[0]), text)


def keyed_fraction(key: str, purpose: str, data: bytes | str) -> float:
    """A number in [0, 1) from the keyed digest of `data`: uniform over inputs, the same for ever for one input."""
    return int(keyed_digest(key, purpose, data)[:13], 16) / 16**13


def keyed_file_digest(key: str, purpose: str, path: Path) -> str:
    """The keyed digest of a file's bytes, read in pieces."""
    with path.open("rb") as file:
        return _digest_of_pieces(key, purpose, file)


def _digest_of_pieces(key: str, purpose: str, file: BinaryIO) -> str:
    digest = hmac.new(bytes.fromhex(key), purpose.encode() + b"\0", hashlib.sha256)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def _uid_of(digest: str) -> str:
    return f"2.25.{uuid.UUID(bytes=bytes.fromhex(digest)[:16], version=5).int}"
