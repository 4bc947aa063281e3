"""Texts that the database holds encrypted: secrets of remote nodes and UIDs of their studies.

Fernet (AES-128-CBC with HMAC) under a key derived from SECRET_KEY by HKDF: whoever has the database alone reads nothing.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from backend.dicom.refusal import Refused


def sealed(text: str) -> str:
    """The text encrypted; empty stays empty."""
    return _fernet().encrypt(text.encode()).decode() if text else ""


def unsealed(token: str) -> str:
    """The text of a sealed one; Refused if SECRET_KEY is no longer the one it was sealed under."""
    if not token:
        return ""
    try:
        return _fernet().decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Refused("Its secret cannot be read: the server's SECRET_KEY has changed. Enter the secret again.") from error


def _fernet() -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"overread remote nodes")
    return Fernet(base64.urlsafe_b64encode(derived.derive(settings.SECRET_KEY.encode())))
