"""Which addresses the server may talk to when a person names a URL: what is inside its own network, however it is written.

Whoever connects judges the very address that it connects to, so that a name that answers differently a moment later (DNS
rebinding) gains nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NEVER: Final[tuple[Network, ...]] = (
    ip_network("169.254.0.0/16"),
    ip_network("fe80::/10"),
    ip_network("fd00:ec2::254/128"),
    ip_network("100.100.100.200/32"),
    ip_network("192.0.0.192/32"),
)
"""Link-local addresses and where clouds keep a machine's credentials: no setting opens these."""
_INSIDE_V6: Final = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""NAT64 (RFC 6052, RFC 8215): the last four bytes are the IPv4 address that is reached."""


def real_address(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it."""
    if isinstance(address, IPv4Address):
        return address
    inside = address.ipv4_mapped or address.sixtofour
    if inside is None and any(address in network for network in _INSIDE_V6):
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    return inside or address


def is_forbidden(real: Address) -> bool:
    """Whether no setting may open this address (a `real_address`)."""
    return is_within(real, _NEVER)


def is_public(real: Address) -> bool:
    """Whether this address (a `real_address`) belongs to one host of the public internet."""
    return real.is_global and not (real.is_multicast or real.is_reserved or real.is_unspecified)


def is_within(real: Address, networks: Sequence[Network]) -> bool:
    """Whether one of the networks holds this address (a `real_address`)."""
    return any(real in network for network in networks)
