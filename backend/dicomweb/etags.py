"""Validators of representations: named after what is sent, never after a row's number, which others get again."""

from __future__ import annotations

import hashlib
from typing import Any

from backend.archive.models import Instance


def etag_of(*parts: Any) -> str:
    """A strong validator of whatever these parts determine."""
    return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'


def content_of(instance: Instance) -> tuple[str, str, str]:
    """What a stored instance is known by: the digest of what was received, when it was stored, and its pixels' place."""
    return instance.received_digest, instance.created_at.isoformat(), instance.frames_key
