"""Keeps a secret that the product must be able to read again: encrypted under a key derived from SECRET_KEY.

Fernet (AES-128-CBC with HMAC-SHA256). Whoever has the database alone reads nothing; each purpose has a key of its own
(HKDF, RFC 5869), so that what is sealed for one cannot be passed off as another's.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SecretLost(Exception):
    """The secret was sealed under another SECRET_KEY: it must be entered anew."""


def seal_secret(text: str, *, purpose: str) -> str:
    """The text, encrypted."""
    return _fernet(purpose).encrypt(text.encode()).decode()


def open_secret(sealed: str, *, purpose: str) -> str:
    """What was sealed; SecretLost where SECRET_KEY is another one now."""
    try:
        return _fernet(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SecretLost("This secret was kept under another SECRET_KEY: enter it anew.") from error


def derived_key(secret: str, purpose: str) -> bytes:
    """32 bytes for one purpose alone, out of a secret of the settings (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"overread {purpose}".encode()).derive(secret.encode())


def _fernet(purpose: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived_key(settings.SECRET_KEY, purpose)))
