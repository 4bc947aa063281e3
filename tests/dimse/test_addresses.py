"""Where the server may fetch from on a lead's word: the same judgement as for webhooks, but plain http and other ports."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from backend.dicom.refusal import Refused
from backend.dimse.addresses import require_web_address

INSIDE = [
    "127.0.0.1", "10.1.2.3", "100.64.0.1", "224.0.0.1", "::1", "fc00::1", "::ffff:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a01:203", "2002:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused_however_it_is_written(address: str) -> None:
    with pytest.raises(Refused, match="private network"):
        require_web_address(ip_address(address))


@pytest.mark.parametrize("address", ["169.254.169.254", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "100.100.100.200"])
def test_where_clouds_keep_credentials_is_refused_whatever_is_allowed(address: str, settings) -> None:
    settings.NODE_NETWORKS = ["0.0.0.0/0", "::/0"]
    with pytest.raises(Refused, match="metadata"):
        require_web_address(ip_address(address))


def test_public_addresses_and_allowed_networks_are_reached(settings) -> None:
    settings.NODE_NETWORKS = ["10.0.0.0/8"]
    for address in ("8.8.8.8", "2606:4700:4700::1111", "10.1.2.3", "64:ff9b::a01:203"):
        require_web_address(ip_address(address))
