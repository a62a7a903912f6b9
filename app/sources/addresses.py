"""Which machines a user's address may lead to: public ones, and no other, however it is written."""

import ipaddress
import socket
from collections.abc import Iterator

from app.sources.errors import AddressRefused, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")
NOT_GLOBAL = [ipaddress.ip_network(network) for network in ("100.64.0.0/10", "192.0.0.0/24", "64:ff9b:1::/48")]
"""Shared, IETF's own and local translation's addresses, of which Python versions think differently."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet, as does every IPv4 address that is wrapped in it."""
    try:
        # An IPv6 address may name its interface.
        outer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_global(each) for each in _unwrapped(outer))


def resolve(host: str, port: int, *, inward: bool) -> list[tuple[int, tuple[str, int]]]:
    """The addresses to connect to, by family.

    The caller connects to these and not to the name, which may by then mean another machine.

    Raises AddressRefused if one of them is not public (unless ``inward``), Unreachable if there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {host} cannot be resolved.") from error
    addresses: list[tuple[int, tuple[str, int]]] = [(family, (str(where[0]), port)) for family, *_, where in found]
    if not inward and (refused := [where for _, (where, _) in addresses if not is_public(where)]):
        raise AddressRefused(f"{host} is not on the public Internet ({refused[0]}); such addresses are not visited.")
    return addresses


def _is_global(address: Address) -> bool:
    outside = address.is_multicast or address.is_reserved or address.is_unspecified
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    listed = any(address in network for network in NOT_GLOBAL)
    return address.is_global and not (outside or site_local or listed)


def _unwrapped(address: Address) -> Iterator[Address]:
    """The address, or those that it stands for: of the ways to write IPv4 in IPv6, each goes to the IPv4 machine."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped or address in NAT64:
        yield address.ipv4_mapped or ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        yield from filter(None, [address.sixtofour, *(address.teredo or ())])
