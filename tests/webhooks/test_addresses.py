"""Where webhooks may lead: nowhere inside, whatever a name, a notation or a second answer of the resolver says."""

from __future__ import annotations

import socket

import pytest

from backend.webhooks import addresses
from backend.webhooks.addresses import AddressRefused, check_form, resolve
from backend.webhooks.sending import send


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0.0.0.0", "10.1.2.3", "192.168.0.1", "172.16.9.9",
        "169.254.169.254", "100.64.0.1", "100.100.100.200", "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd00:ec2::254]",
        "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "localhost",
    ],
)  # fmt: skip
def test_nothing_inside_is_reached(host):
    with pytest.raises(AddressRefused):
        resolve(f"https://{host}/hook")


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700:4700::1111]"])
def test_public_addresses_are(host):
    assert resolve(f"https://{host}:8443/a?b=c").path == "/a?b=c"


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/", "file:///etc/passwd", "https://", "https://user@8.8.8.8/", "https://8.8.8.8/#x", "gopher://8.8.8.8/",
        "https://8.8.8.8:99999/", "https://8.8.8.8/a b", "https://8.8.8.8/a\r\nHost: x", "//8.8.8.8", "https://[::1/",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_webhook_is_refused(url):
    with pytest.raises(AddressRefused):
        check_form(url)


def test_the_operator_opens_a_network_but_never_a_link_local_one(settings):
    settings.WEBHOOK_NETWORKS = ["10.0.0.0/8", "169.254.0.0/16"]
    assert resolve("http://10.1.2.3/").address == "10.1.2.3"
    with pytest.raises(AddressRefused, match="metadata"):
        resolve("http://169.254.169.254/")
    with pytest.raises(AddressRefused, match="unencrypted"):
        resolve("http://8.8.8.8/")
    with pytest.raises(AddressRefused, match="private"):
        resolve("https://192.168.0.1/")


def _answers(monkeypatch, *answers: list[str]) -> list[str]:
    """The resolver gives these addresses in turn; returns the names that it was asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def getaddrinfo(host, port, *arguments, **more):
        if not host.endswith(".org"):
            return real(host, port, *arguments, **more)
        asked.append(host)
        found = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(addresses.socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_with_one_private_address_among_public_ones_is_refused(monkeypatch):
    _answers(monkeypatch, ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1"):
        resolve("https://hook.example.org/")


def test_a_name_that_answers_differently_a_moment_later_changes_nothing(monkeypatch, receiver, loopback_allowed):
    """The receiver's own address is judged; the resolver would then say another, where nobody listens."""
    connect, reached = socket.create_connection, []

    def create_connection(address, *arguments, **more):
        reached.append(address)
        return connect(address, *arguments, **more)

    monkeypatch.setattr(socket, "create_connection", create_connection)
    asked = _answers(monkeypatch, ["127.0.0.1"], ["127.0.0.77"])
    secret = "whsec_" + "A" * 43 + "="
    answer = send(url=f"http://rebind.example.org:{receiver.port}/", secret=secret, delivery_id="d", body=b"{}")
    assert answer.is_taken and asked == ["rebind.example.org"]
    assert reached == [("127.0.0.1", receiver.port)]
    assert receiver.received[0].headers["host"] == f"rebind.example.org:{receiver.port}"


def test_nothing_is_sent_where_it_may_not_lead(receiver):
    answer = send(url=receiver.url.replace("http", "https"), secret="whsec_QUFB", delivery_id="d", body=b"{}")
    assert answer.status is None and "private" in answer.text and not receiver.received
