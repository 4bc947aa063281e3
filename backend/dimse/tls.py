"""DICOM over TLS (PS3.15 B.12, the BCP 195 profile): contexts of the receiver and of us as a user, why a hand-shake failed.

TLS 1.2 with forward secrecy and AEAD, or 1.3; nothing older, no renegotiation, and never plain where TLS is asked for.
"""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings

from backend.dicom.refusal import Refused

MAX_PEM: Final = 100_000
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:!aNULL"
"""Of TLS 1.2 (RFC 9325 section 4.2); those of 1.3 are all of this kind."""
_REASONS: Final = {
    "CERTIFICATE_EXPIRED": "says that our certificate has expired",
    "BAD_CERTIFICATE": "refuses our certificate",
    "CERTIFICATE_UNKNOWN": "refuses our certificate",
    "UNKNOWN_CA": "does not know who issued our certificate",
    "CERTIFICATE_REQUIRED": "asks for a certificate of ours, and this server has none",
    "HANDSHAKE_FAILURE": "agrees on no way of encryption with us, or asks for a certificate of ours",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "shows no certificate",
    "NO_SHARED_CIPHER": "offers no way of encryption that is allowed",
    "PROTOCOL_VERSION": "speaks no version of TLS that is allowed (1.2 or later)",
    "UNSUPPORTED_PROTOCOL": "speaks no version of TLS that is allowed (1.2 or later)",
    "WRONG_VERSION_NUMBER": "does not speak TLS",
    "HTTP_REQUEST": "does not speak TLS",
    "UNEXPECTED_EOF": "closes the connection within the TLS hand-shake",
}
_UNVERIFIED: Final = {
    "certificate has expired": "its certificate has expired",
    "certificate is not yet valid": "its certificate is not yet valid",
    "self-signed certificate": "nobody whom we trust issued its certificate",
    "unable to get local issuer": "nobody whom we trust issued its certificate",
    "unable to verify the first certificate": "nobody whom we trust issued its certificate",
    "hostname mismatch": "its certificate is for another name",
    "ip address mismatch": "its certificate is for another address",
    "unsuitable certificate purpose": "its certificate is not for this use",
    "unsupported certificate purpose": "its certificate is not for this use",
}


class NodeContext(ssl.SSLContext):
    """A context of one association as a user, which remembers why its hand-shake failed."""

    failure: OSError | None = None


class _Remembering(ssl.SSLSocket):
    """pynetdicom writes the reason into its log and goes on as if nobody had answered."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError as error:
            assert isinstance(self.context, NodeContext)
            self.context.failure = error
            raise


def receiving_context() -> ssl.SSLContext:
    """The receiver's; Refused, with the setting's name, where its certificate, key or authorities cannot be used."""
    if not settings.DICOM_TLS_CERTIFICATE:
        raise Refused("A TLS port needs a certificate: set OVERREAD_DICOM_TLS_CERTIFICATE and OVERREAD_DICOM_TLS_KEY.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    _load_own(context)
    if settings.DICOM_TLS_CLIENT_AUTHORITIES:
        pem = _file(settings.DICOM_TLS_CLIENT_AUTHORITIES, "OVERREAD_DICOM_TLS_CLIENT_AUTHORITIES")
        context.load_verify_locations(cadata=checked_authorities(pem))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def node_context(authorities: str) -> NodeContext:
    """Ours as a user of a node whose certificate one of these (PEM; none: one of the system's) issued, or is itself."""
    context = NodeContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    context.sslsocket_class = _Remembering
    if authorities:
        context.load_verify_locations(cadata=authorities)
        # A certificate that is trusted itself need not be an authority's.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if settings.DICOM_TLS_CERTIFICATE:
        _load_own(context)
    return context


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION


def _load_own(context: ssl.SSLContext) -> None:
    path, key = settings.DICOM_TLS_CERTIFICATE, settings.DICOM_TLS_KEY or settings.DICOM_TLS_CERTIFICATE
    own = _certificates(_file(path, "OVERREAD_DICOM_TLS_CERTIFICATE"), "OVERREAD_DICOM_TLS_CERTIFICATE")[0]
    _file(key, "OVERREAD_DICOM_TLS_KEY")
    if own.not_valid_after_utc < datetime.now(UTC):
        raise Refused(f"The certificate in OVERREAD_DICOM_TLS_CERTIFICATE expired on {own.not_valid_after_utc:%Y-%m-%d}.")
    try:
        context.load_cert_chain(path, key, password=_no_password)
    except (ssl.SSLError, ValueError) as error:
        raise Refused(
            "OVERREAD_DICOM_TLS_KEY is not the key of the certificate in OVERREAD_DICOM_TLS_CERTIFICATE, or has a password."
        ) from error


def _no_password(*_: Any) -> str:
    raise ValueError("the key has a password")


def _file(path: str, setting: str) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"The file that {setting} names cannot be read.") from error


def _certificates(pem: str, name: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError as error:
        raise Refused(f"{name}: not a certificate in PEM.") from error
    return found


def checked_authorities(pem: str) -> str:
    """Certificates as they are trusted, nothing else of the text; Refused where it holds none, or one that has expired."""
    found = _certificates(pem, "Its authority")
    for one in found:
        if one.not_valid_after_utc < datetime.now(UTC):
            raise Refused(f"Its authority: the certificate expired on {one.not_valid_after_utc:%Y-%m-%d}.")
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)


def failure_reason(error: OSError) -> str:
    """Why a hand-shake failed, as what the peer does or its certificate is, without a full stop."""
    if isinstance(error, ssl.SSLCertVerificationError):
        told = error.verify_message.lower()
        return next((reason for part, reason in _UNVERIFIED.items() if part in told), "its certificate cannot be verified")
    if isinstance(error, ssl.SSLError):
        code = error.reason or type(error).__name__
        return "it " + next((reason for part, reason in _REASONS.items() if part in code), "breaks off the TLS hand-shake")
    if isinstance(error, TimeoutError):
        return "it does not answer in TLS in time"
    return "it closes the connection within the TLS hand-shake"
