"""Encryption at rest of what must never be readable from the database or the object store alone (AES-256-GCM).

Keys come from the settings: files in quarantine are sealed under one derived from SECRET_KEY, identities under one derived
from REIDENTIFICATION_KEY. `context` is bound to what is sealed, so that nothing opens in another place.
"""

from __future__ import annotations

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from backend.accounts.sealed_secrets import derived_key

QUARANTINE: Final = "quarantine"
IDENTITY: Final = "identity"
_NONCE_BYTES: Final = 12


class CannotOpen(Exception):
    """The key of the settings is not the one under which this was sealed, or the bytes are not what was sealed."""


def has_identity_key() -> bool:
    """Whether this server can keep identities at all."""
    return bool(settings.REIDENTIFICATION_KEY)


def sealed(data: bytes, *, purpose: str, context: str) -> bytes:
    """Nonce and ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key(purpose)).encrypt(nonce, data, context.encode())


def opened(data: bytes, *, purpose: str, context: str) -> bytes:
    """What was sealed; CannotOpen otherwise."""
    try:
        return AESGCM(_key(purpose)).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("It was sealed under another key.") from error


def _key(purpose: str) -> bytes:
    secret = settings.REIDENTIFICATION_KEY if purpose == IDENTITY else settings.SECRET_KEY
    if not secret:
        raise CannotOpen("This server has no key for identities.")
    return derived_key(secret, purpose)
