"""Protection against server-side request forgery: a user's URL may lead to public machines only.

This holds for all notations of an address.
"""

import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any
from urllib.parse import SplitResult

from app.sources.errors import AddressRefused, RateLimited, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")
NOT_GLOBAL = [ipaddress.ip_network(network) for network in ("100.64.0.0/10", "192.0.0.0/24", "64:ff9b:1::/48")]
"""Shared addresses, IETF protocol assignments, and local-use NAT64. Versions of Python disagree on these networks."""

MAX_LOOKUPS = 32
"""The most simultaneous look-ups of one process.

A look-up has no timeout and cannot be stopped. So each runs on a thread of its own, which continues after the request
has timed out. Each name has at most one look-up at a time."""

MAX_STRANGERS_LOOKUPS = 24
"""The most simultaneous look-ups of hosts that users name. The others are left to the hosts of sources."""

MAX_ZONE_LOOKUPS = 8
"""The most of these below one domain, whose owner decides how long a look-up takes."""

BUSY = "Too many host names are being looked up now. Try again in a minute."

_lookups: "dict[tuple[str, int], Future[list[Any]]]" = {}
_strangers: set[tuple[str, int]] = set()
"""The look-ups of hosts that users name, among all look-ups."""

_lock = Lock()


def check_fetchable(url: SplitResult) -> None:
    """Raise AddressRefused unless a user may name this URL: https on its default port, without credentials."""
    if url.scheme != "https":
        raise AddressRefused("Only addresses that start with https:// can be read.")
    if url.port not in (None, 443):
        raise AddressRefused("Only addresses on the default port of https can be read.")
    if url.username is not None or url.password is not None:
        raise AddressRefused("The address contains a user name or password.")


def is_fetchable(url: SplitResult) -> bool:
    """Return whether a user may name this URL."""
    try:
        check_fetchable(url)
    except AddressRefused:
        return False
    return True


def is_public(address: str) -> bool:
    """Return whether an IP address, and every IPv4 address embedded in it, is on the public Internet."""
    try:
        # Drop the network interface, which an IPv6 address may name.
        outer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_global(each) for each in _embedded(outer))


def resolve(
    host: str, port: int, seconds: float, *, allow_private: bool, is_fixed_host: bool = False
) -> list[tuple[int, tuple[str, int]]]:
    """Resolve a host to the addresses to connect to, each with its family.

    The caller connects to these addresses, because the name may lead to another machine by then (DNS rebinding).

    Raises AddressRefused if one of them is not public (unless ``allow_private``), Unreachable if there are none,
    TimeoutError if the look-up takes more than ``seconds``, and RateLimited if too many look-ups are running. A host
    that a user names (not ``is_fixed_host``) may use only a part of them.
    """
    try:
        found = _look_up(host, port, is_fixed_host).result(seconds)
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The host name {host} cannot be resolved.") from error
    addresses: list[tuple[int, tuple[str, int]]] = [
        (family, (str(sockaddr[0]), port)) for family, *_, sockaddr in found
    ]
    if not allow_private and (refused := [ip for _, (ip, _) in addresses if not is_public(ip)]):
        raise AddressRefused(f"{host} is not on the public Internet ({refused[0]}). Only public addresses can be read.")
    return addresses


def _look_up(host: str, port: int, is_fixed_host: bool) -> "Future[list[Any]]":
    """Start the look-up of a name, or join a running one. Raises RateLimited if there are too many."""
    key = host, port
    with _lock:
        if (lookup := _lookups.get(key)) is not None:
            return lookup
        if len(_lookups) >= MAX_LOOKUPS or not (is_fixed_host or _has_room_for_stranger(host)):
            raise RateLimited(BUSY)
        lookup = _lookups[key] = Future()
        if not is_fixed_host:
            _strangers.add(key)
    try:
        Thread(target=_run_lookup, args=(host, port, lookup), daemon=True).start()
    except RuntimeError as error:
        # The system permits no further thread. Those that have joined meanwhile must not wait.
        _forget(key)
        lookup.set_exception(RateLimited(BUSY))
        raise RateLimited(BUSY) from error
    return lookup


def _has_room_for_stranger(host: str) -> bool:
    zone = _zone(host)
    in_zone = sum(_zone(name) == zone for name, _ in _strangers)
    return len(_strangers) < MAX_STRANGERS_LOOKUPS and in_zone < MAX_ZONE_LOOKUPS


def _zone(host: str) -> list[str]:
    return host.rstrip(".").split(".")[-2:]


def _forget(key: tuple[str, int]) -> None:
    with _lock:
        del _lookups[key]
        _strangers.discard(key)


def _run_lookup(host: str, port: int, lookup: "Future[list[Any]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:
        lookup.set_exception(error)
    else:
        lookup.set_result(found)
    finally:
        _forget((host, port))


def _is_global(address: Address) -> bool:
    outside = address.is_multicast or address.is_reserved or address.is_unspecified
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    listed = any(address in network for network in NOT_GLOBAL)
    return address.is_global and not (outside or site_local or listed)


def _embedded(address: Address) -> Iterator[Address]:
    """Yield the address and the IPv4 addresses embedded in it. A mapped or NAT64 address yields only the IPv4 one.

    Traffic to an embedded address goes to the IPv4 machine.
    """
    if isinstance(address, ipaddress.IPv4Address):
        yield address
    elif address.ipv4_mapped or address in NAT64:
        yield address.ipv4_mapped or ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    else:
        yield address
        yield from filter(None, [address.sixtofour, *(address.teredo or ())])
