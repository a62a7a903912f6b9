"""Which machines a user's address may lead to: public ones, and no other, however it is written."""

import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Any

from app.sources.errors import AddressRefused, Unreachable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.ip_network("64:ff9b::/96")
NOT_GLOBAL = [ipaddress.ip_network(network) for network in ("100.64.0.0/10", "192.0.0.0/24", "64:ff9b:1::/48")]
"""Shared, IETF's own and local translation's addresses, of which Python versions think differently."""

MAX_LOOKUPS = 32
"""Names that one process looks up at a time. The system sets a look-up no time limit, and lets nobody stop it. So each
runs on a thread of its own, which stays behind when a request gives up; a name has one at most."""

_lookups: "dict[tuple[str, int], Future[list[Any]]]" = {}
_lock = Lock()


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public Internet, as does every IPv4 address that is wrapped in it."""
    try:
        # An IPv6 address may name its interface.
        outer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_is_global(each) for each in _unwrapped(outer))


def resolve(host: str, port: int, seconds: float, *, inward: bool) -> list[tuple[int, tuple[str, int]]]:
    """Return the addresses to connect to, by family.

    The caller connects to these and not to the name, which may by then mean another machine.

    Raises AddressRefused if one of them is not public (unless ``inward``), Unreachable if there is none, and
    TimeoutError if they are not known after so many seconds.
    """
    try:
        found = _look_up(host, port).result(seconds)
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {host} cannot be resolved.") from error
    addresses: list[tuple[int, tuple[str, int]]] = [(family, (str(where[0]), port)) for family, *_, where in found]
    if not inward and (refused := [where for _, (where, _) in addresses if not is_public(where)]):
        raise AddressRefused(f"{host} is not on the public Internet ({refused[0]}); such addresses are not visited.")
    return addresses


def _look_up(host: str, port: int) -> "Future[list[Any]]":
    """Start the look-up of a name, or join the one that is under way. Raises Unreachable if there are too many."""
    with _lock:
        if (lookup := _lookups.get((host, port))) is None:
            if len(_lookups) >= MAX_LOOKUPS:
                raise Unreachable(f"The name {host} cannot be resolved now: {MAX_LOOKUPS} other look-ups hang.")
            lookup = _lookups[host, port] = Future()
            Thread(target=_run_lookup, args=(host, port, lookup), daemon=True).start()
        return lookup


def _run_lookup(host: str, port: int, lookup: "Future[list[Any]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except Exception as error:
        lookup.set_exception(error)
    else:
        lookup.set_result(found)
    finally:
        with _lock:
            del _lookups[host, port]


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
