"""Where a webhook may lead: public addresses over https, and what the operator has allowed besides.

The name is resolved once, every address it has is judged, and the connection goes to the very address that was judged:
a name that answers differently a moment later (DNS rebinding) changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NEVER: Final[tuple[Network, ...]] = (
    ip_network("169.254.0.0/16"),
    ip_network("fe80::/10"),
    ip_network("fd00:ec2::254/128"),
    ip_network("100.100.100.200/32"),
    ip_network("192.0.0.192/32"),
)
"""Link-local addresses and where clouds keep a machine's credentials: no setting opens these."""
_INSIDE_V6: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""NAT64 (RFC 6052, RFC 8215): the last four bytes are the IPv4 address that is reached."""


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
    real = _real(address)
    told = host if host == str(address) else f"{host} ({address})"
    if any(real in network for network in NEVER if network.version == real.version):
        raise AddressRefused(f"{told} is a link-local or metadata address.")
    if any(real in network for network in allowed_networks() if network.version == real.version):
        return
    if not real.is_global or real.is_multicast or real.is_reserved or real.is_unspecified:
        raise AddressRefused(f"{told} is a private address; the operator of this server may allow its network.")
    if scheme == "http":
        raise AddressRefused(f"{told} is outside the networks to which unencrypted http is allowed.")


def _real(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it."""
    if isinstance(address, IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and any(address in network for network in _INSIDE_V6):
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address


def allowed_networks() -> Sequence[Network]:
    """Networks that webhooks may reach although they are private (`OVERREAD_WEBHOOK_NETWORKS`)."""
    return [ip_network(text) for text in settings.WEBHOOK_NETWORKS]
