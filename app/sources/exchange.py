"""One request and its answer, bounded in time and size, to exactly the machine that was checked."""

import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from threading import Timer
from urllib.parse import SplitResult

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import SKIP_HEADER

from app.sources.addresses import resolve
from app.sources.errors import ShapeChanged, Unreachable

CONNECT_SECONDS = 5.0
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Bounds:
    """What one exchange may cost, and whom it may reach."""

    seconds: float
    most_bytes: int
    inward: bool = False
    """Whether the machine may be one that is not public: only for addresses that the operator has set."""
    is_cut: bool = False
    """Whether what is too large is cut, and not refused."""


@dataclass(frozen=True)
class Reply:
    """An answer, whatever its status; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def get(url: SplitResult, headers: Mapping[str, str], bounds: Bounds) -> Reply:
    """GET an address; redirects are not followed.

    Raises Unreachable (no answer, or none that is whole, or not in time), AddressRefused, ShapeChanged (too large).
    """
    deadline = time.monotonic() + bounds.seconds
    try:
        with _connected(url, deadline, inward=bounds.inward) as connection:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            skipped = {"User-Agent": SKIP_HEADER} if "User-Agent" not in headers else {}
            wanted = {"Accept-Encoding": "gzip, deflate", **headers, **skipped}
            connection.request("GET", target, headers=wanted, preload_content=False)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.headers.items()}
            reply = Reply(response.status, named, _body(response, bounds))
            if time.monotonic() >= deadline:
                # The end that we made ourselves may pass for the end of the headers, or of a body of unknown length.
                raise TimeoutError
            return reply
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        late = time.monotonic() >= deadline
        raise Unreachable(_sentence(url.hostname or "", late, bounds.seconds, error)) from error


def _body(response: BaseHTTPResponse, bounds: Bounds) -> bytes:
    """The whole body, decompressed piece by piece, so that a small one cannot become a huge one unnoticed."""
    pieces, size = [], 0
    for piece in response.stream(65536):
        size += len(piece)
        pieces.append(piece)
        if size > bounds.most_bytes and bounds.is_cut:
            break
        if size > bounds.most_bytes:
            raise ShapeChanged("the whole answer", f"is larger than {bounds.most_bytes / 1_000_000:g} MB")
    return b"".join(pieces)[: bounds.most_bytes]


@contextmanager
def _connected(url: SplitResult, deadline: float, *, inward: bool) -> Iterator[HTTPConnection]:
    """A connection that is shut when the time is over, however slowly something comes in."""
    port = url.port or DEFAULT_PORTS[url.scheme]
    plain = _dial(url.hostname or "", port, deadline, inward=inward)
    # A second handle of the same connection: TLS takes the first one over.
    handle = socket.socket(fileno=os.dup(plain.fileno()))
    alarm = Timer(max(0.0, deadline - time.monotonic()), _shut, (handle,))
    alarm.daemon = True
    alarm.start()
    connection = _connection(url, port, plain, max(0.1, deadline - time.monotonic()))
    try:
        yield connection
    finally:
        alarm.cancel()
        connection.close()
        plain.close()
        handle.close()


def _dial(host: str, port: int, deadline: float, *, inward: bool) -> socket.socket:
    """Connect to the first address that answers."""
    last: OSError = OSError("no address")
    for family, where in resolve(host, port, inward=inward):
        dialled = socket.socket(family, socket.SOCK_STREAM)
        dialled.settimeout(max(0.1, min(CONNECT_SECONDS, deadline - time.monotonic())))
        try:
            dialled.connect(where)
        except OSError as error:
            dialled.close()
            last = error
        else:
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return dialled
    raise last


def _connection(url: SplitResult, port: int, dialled: socket.socket, seconds: float) -> HTTPConnection:
    dialled.settimeout(seconds)
    host = url.hostname or ""
    if url.scheme == "https":
        return _HTTPS(host, port, timeout=seconds, ssl_context=_tls()).using(dialled)
    return _HTTP(host, port, timeout=seconds).using(dialled)


class _Dialled(HTTPConnection):
    """A connection over a socket that is connected already."""

    _dialled: socket.socket

    def using(self, dialled: socket.socket) -> HTTPConnection:
        """Take this socket; returns the connection itself."""
        self._dialled = dialled
        return self

    def _new_conn(self) -> socket.socket:
        return self._dialled


class _HTTP(_Dialled):
    """Plain HTTP over it."""


class _HTTPS(_Dialled, HTTPSConnection):
    """TLS over it."""


@cache
def _tls() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than a request; once is enough."""
    return ssl.create_default_context()


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It has ended by itself.
        return


def _sentence(host: str, late: bool, seconds: float, error: Exception) -> str:
    if late or isinstance(error, TimeoutError):
        return f"{host} did not answer within {seconds:.0f} s."
    if isinstance(error, ssl.SSLError) or "CERTIFICATE" in str(error).upper():
        return f"{host} has no certificate that can be trusted."
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses connections."
    return f"{host} gave no whole answer."
