"""Which addresses remote nodes may have, and from which they may send."""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv6Address

from django.conf import settings

from backend.accounts.outbound_addresses import Address, is_forbidden, is_public, is_within, real_address
from backend.dicom.refusal import Refused


def checked_networks(text: str) -> str:
    """Addresses and networks separated by commas, in their usual form; Refused if one is none."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return ", ".join(str(ipaddress.ip_network(part)).removesuffix("/32").removesuffix("/128") for part in parts)
    except ValueError as error:
        raise Refused(f"Not an address or network such as 10.1.2.0/24: {error}.") from error


def addresses_of(host: str) -> list[Address]:
    """What a host name stands for; Refused if it is unknown."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused(f"The host {host} is unknown.") from error
    return [plain_address(str(entry[4][0])) for entry in found]


def plain_address(text: str) -> Address:
    """An address without zone; one of IPv4 that is written as IPv6 becomes itself."""
    address = ipaddress.ip_address(text.split("%")[0])
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def may_send_from(address: Address, host: str, sends_from: str) -> bool:
    """Whether a node may send from this address: its own, or one that is named for it."""
    if any(address in ipaddress.ip_network(part.strip()) for part in sends_from.split(",") if part.strip()):
        return True
    if not host:
        return False
    try:
        return address in addresses_of(host)
    except Refused:
        return False


def require_dimse_address(address: Address) -> None:
    """Refused for what no PACS has. Private addresses are where PACS are, so they are allowed."""
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        raise Refused(f"{address} is no address of a PACS.")


def require_web_address(address: Address) -> None:
    """Refused for an address inside the own network unless OVERREAD_NODE_NETWORKS names it.

    A lead chooses the URL and the server fetches it: without this it would be a way into the server's own network.
    """
    real = real_address(address)
    if is_forbidden(real):
        raise Refused(f"{address} is a link-local or metadata address.")
    networks = [ipaddress.ip_network(text) for text in settings.NODE_NETWORKS]
    if not is_public(real) and not is_within(real, networks):
        raise Refused(f"{address} lies in a private network; an administrator can allow it by OVERREAD_NODE_NETWORKS.")
