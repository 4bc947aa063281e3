"""Texts that the database holds encrypted: secrets of remote nodes and UIDs of their studies."""

from __future__ import annotations

from typing import Final

from backend.accounts.sealed_secrets import SecretLost, open_secret, seal_secret
from backend.dicom.refusal import Refused

_PURPOSE: Final = "remote nodes"


def sealed(text: str) -> str:
    """The text encrypted; empty stays empty."""
    return seal_secret(text, purpose=_PURPOSE) if text else ""


def unsealed(token: str) -> str:
    """The text of a sealed one; Refused if SECRET_KEY is no longer the one it was sealed under."""
    if not token:
        return ""
    try:
        return open_secret(token, purpose=_PURPOSE)
    except SecretLost as error:
        raise Refused("Its secret cannot be read: the server's SECRET_KEY has changed. Enter the secret again.") from error
