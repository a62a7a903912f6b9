"""SSRF: no URL of a user reaches this machine or a private network, in whatever spelling."""

import socket
from urllib.parse import urlsplit

import pytest

from app.sources.deadline import Deadline
from app.sources.errors import AddressRefused, SourceError, Unreachable
from app.sources.http import ssrf, transport
from app.sources.http.client import HttpClient
from app.sources.http.ssrf import is_public, resolve
from app.sources.http.transport import Limits
from app.sources.listing import list_board
from tests.sources.conftest import UnlimitedRateLimiter

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:7f00:1:0:0:f5ff:fffe",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_ssrf_is_public_rejects_private_addresses(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_ssrf_is_public_accepts_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "0", "::1", "::ffff:127.0.0.1"]
)
def test_ssrf_resolve_refuses_every_spelling_of_this_machine(host):
    with pytest.raises(AddressRefused):
        resolve(host, 443, 20, allow_private=False)


def test_ssrf_resolve_refuses_a_mix_of_public_and_private_addresses(monkeypatch):
    found = [(socket.AF_INET, 0, 0, "", ("1.1.1.1", 443)), (socket.AF_INET, 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lambda *args, **more: found)
    with pytest.raises(AddressRefused):
        resolve("two-faced.example", 443, 20, allow_private=False)


def test_ssrf_connects_to_the_address_that_was_checked(monkeypatch, web):
    """There is one look-up only, so DNS rebinding cannot change the address after the check."""
    looked_up = []
    really = socket.getaddrinfo

    def getaddrinfo(*args, **more):
        looked_up.append(args[0])
        return really("127.0.0.1", *args[1:], **more)

    monkeypatch.setattr(ssrf.socket, "getaddrinfo", getaddrinfo)
    web.json("/", {})
    port = urlsplit(web.url).port
    reply = transport.send(urlsplit(f"http://changing.example:{port}/"), {}, Limits(5, 1000, allow_private=True))
    assert (reply.status, looked_up) == (200, ["changing.example"])


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a..b", f"{'x' * 70}.example"])
def test_ssrf_resolve_of_an_unknown_name_is_unreachable(host):
    with pytest.raises(Unreachable):
        resolve(host, 443, 20, allow_private=False)


@pytest.mark.parametrize("board", ["127.0.0.1.nip.example", "localhost.localdomain"])
def test_ssrf_operator_base_url_does_not_exempt_own_domains(monkeypatch, board):
    """The operator's mirror may have any address. A board that is a company's own domain must be public."""
    connections = []

    def get(url, headers, bounds):
        connections.append((url.hostname, bounds.allow_private))
        raise AddressRefused("not sent")

    monkeypatch.setattr("app.sources.http.transport.send", get)
    http_client = HttpClient(UnlimitedRateLimiter(), {"teamtailor": "https://{token}.mirror.example"}, None)
    for name in (board, "acme"):
        with pytest.raises(SourceError):
            list_board(http_client, "teamtailor", name)
    assert connections == [(board, False), ("acme.mirror.example", True)]


def test_ssrf_website_on_a_private_address_is_refused(monkeypatch):
    loopback = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(ssrf.socket, "getaddrinfo", lambda *args, **more: loopback)
    http_client = HttpClient(UnlimitedRateLimiter(), {}, None)
    with pytest.raises(AddressRefused):
        list_board(http_client, "website", "careers.acme.com", deadline=Deadline.of(5))
