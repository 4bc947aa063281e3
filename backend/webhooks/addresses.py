"""Where a webhook may lead: public addresses over https, and what the operator has allowed besides.

The name is resolved once, every address it has is judged, and the connection goes to the very address that was judged:
a name that answers differently a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from backend.accounts.outbound_addresses import Address, Network, is_forbidden, is_public, is_within, real_address


class AddressRefused(Exception):
    """The webhook may not lead there, with the reason in a lead's words."""


@dataclass(frozen=True)
class Target:
    """Where to connect: the address that was judged, and what to ask it for."""

    scheme: str
    host: str
    port: int
    address: str
    path: str

    @property
    def host_header(self) -> str:
        """The Host header: the name, with the port where it is not the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


_PORTS: Final = {"https": 443, "http": 80}


def check_form(url: str) -> None:
    """AddressRefused for what can be no webhook, whatever its name resolves to."""
    _parts(url)


def resolve(url: str) -> Target:
    """Where the URL leads now; AddressRefused where one of its addresses is not to be reached."""
    scheme, host, port, path = _parts(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressRefused(f"{host} has no address: {error}.") from error
    addresses = list(dict.fromkeys(ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    for address in addresses:
        _judge(address, host, scheme)
    return Target(scheme, host, port, str(addresses[0]), path)


def _parts(url: str) -> tuple[str, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressRefused(f"This is no address: {error}.") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused("A webhook is an address that begins with https://.")
    if parts.username or parts.password or parts.fragment:
        raise AddressRefused("The address may hold neither a name, a password nor a fragment.")
    if parts.scheme == "http" and not allowed_networks():
        raise AddressRefused("Unencrypted http is allowed only to networks that the operator of this server named.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or any(character <= " " or character == "\x7f" for character in path):
        raise AddressRefused("Write the address in ASCII, percent-encoded.")
    return parts.scheme, parts.hostname, port or _PORTS[parts.scheme], path


def _judge(address: Address, host: str, scheme: str) -> None:
    real = real_address(address)
    told = host if host == str(address) else f"{host} ({address})"
    if is_forbidden(real):
        raise AddressRefused(f"{told} is a link-local or metadata address.")
    if is_within(real, allowed_networks()):
        return
    if not is_public(real):
        raise AddressRefused(f"{told} is a private address; the operator of this server may allow its network.")
    if scheme == "http":
        raise AddressRefused(f"{told} is outside the networks to which unencrypted http is allowed.")


def allowed_networks() -> Sequence[Network]:
    """Networks that webhooks may reach although they are private (`OVERREAD_WEBHOOK_NETWORKS`)."""
    return [ip_network(text) for text in settings.WEBHOOK_NETWORKS]
