"""One request and its response, limited in time and size, to exactly the machine that was checked."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from io import BytesIO
from typing import Any, cast
from urllib.parse import SplitResult

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import SKIP_HEADER

from app.concurrency.greenlets import time_limit, yield_to_others
from app.config.validators import DEFAULT_PORTS
from app.sources.errors import ShapeChanged, Unreachable
from app.sources.http.ssrf import resolve
from app.sources.types import DOCUMENT

CONNECT_TIMEOUT = 5.0

MAX_HEADER_BYTES = 256_000
"""The bytes before the end of the headers, with all responses of status 100 that come first."""

MAX_EMPTY_BYTES = 1_000_000
"""The bytes that may arrive before the next piece of the body: sizes of chunks, trailers, empty compressed blocks."""

PIECE_BYTES = 16_384
"""The bytes decompressed in one step. A step of 64 KB full of tiny gzip members takes sixteen times as long."""

MAX_PIECES = 250_000
"""The pieces of one body: steps of decompression, or chunks, which a server may make as small as a byte."""

MAX_COMPUTE_SECONDS = 0.01
"""Seconds after which other requests of this process run, while bytes keep arriving."""


@dataclass(frozen=True)
class Limits:
    """The limits of one request: its time, its size, and the hosts that it may reach."""

    seconds: float
    max_bytes: int
    allow_private: bool = False
    """True if the host may have a private address: only for addresses that the operator has set."""
    truncate: bool = False
    """True if a response that is too large is truncated instead of refused."""
    is_fixed_host: bool = False
    """True if the operator or a source names the host, not a user. See ``ssrf.MAX_STRANGERS_LOOKUPS``."""


@dataclass(frozen=True)
class RawResponse:
    """A response with any status. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class _Bounds:
    """The bounds of one response at its socket: a deadline by the monotonic clock, and the bytes that may arrive."""

    deadline: float
    max_bytes: int = MAX_HEADER_BYTES
    received: int = 0
    yielded_at: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """The seconds until the deadline. Raises TimeoutError if it has passed."""
        if (left := self.deadline - time.monotonic()) <= 0:
            raise TimeoutError
        return left

    def count(self, received: int) -> None:
        """Count bytes that arrived. Raises ShapeChanged if there are too many."""
        self.received += received
        if self.received > self.max_bytes:
            raise ShapeChanged(DOCUMENT, "takes too many bytes to send")

    def allow(self, max_body_bytes: int) -> None:
        """Allow the bytes of the next piece of a body. In total, they are an eighth more than the body may have."""
        total = MAX_HEADER_BYTES + max_body_bytes + max_body_bytes // 8
        self.max_bytes = min(total, self.received + MAX_EMPTY_BYTES)

    def take_turns(self) -> None:
        """Let other requests run, now and then. While bytes keep arriving, nothing else would wait.

        Raises TimeoutError at the deadline.
        """
        if self.left < self.deadline - self.yielded_at - MAX_COMPUTE_SECONDS:
            yield_to_others()
            self.yielded_at = time.monotonic()


def send(url: SplitResult, headers: Mapping[str, str], limits: Limits) -> RawResponse:
    """GET a URL, without redirects. The time limit includes the look-up of the host name.

    Raises Unreachable (no complete response in time), AddressRefused, RateLimited (too many look-ups of host names), or
    ShapeChanged (too large).
    """
    bounds = _Bounds(time.monotonic() + limits.seconds)
    try:
        # On gevent, the timeout of a socket starts again with each piece of a TLS record.
        with time_limit(limits.seconds), _connection(url, bounds, limits) as connection:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            skipped = {"User-Agent": SKIP_HEADER} if "User-Agent" not in headers else {}
            sent = {"Host": authority(url), "Accept-Encoding": "gzip, deflate", **headers, **skipped}
            connection.request("GET", target, headers=sent, preload_content=False)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.headers.items()}
            return RawResponse(response.status, received, _body(response, limits, bounds))
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        is_late = time.monotonic() >= bounds.deadline
        raise Unreachable(_sentence(url.hostname or "", is_late, limits.seconds, error)) from error


def _body(response: BaseHTTPResponse, limits: Limits, bounds: _Bounds) -> bytes:
    """Return the whole body. It is decompressed piece by piece: a small one could grow beyond the limit."""
    codings = response.headers.get("content-encoding", "").split(",")
    if len(codings) > 1:
        raise ShapeChanged(DOCUMENT, "is compressed more than once")
    # A list of pieces would need 40 bytes for each, and its join twice the memory of the body.
    body = BytesIO()
    bounds.allow(limits.max_bytes)
    for count, piece in enumerate(response.stream(PIECE_BYTES, decode_content=True)):
        size = body.tell() + body.write(piece)
        if size > limits.max_bytes and limits.truncate:
            body.truncate(limits.max_bytes)
            break
        if size > limits.max_bytes:
            raise ShapeChanged(DOCUMENT, f"is larger than {limits.max_bytes / 1_000_000:g} MB")
        if count >= MAX_PIECES:
            raise ShapeChanged(DOCUMENT, "arrives in too many pieces")
        bounds.allow(limits.max_bytes)
        bounds.take_turns()
    return body.getvalue()


class _BoundedSocket(socket.socket):
    """A socket whose every read ends at the deadline. The timeout of a socket alone starts again with each byte."""

    bounds = _Bounds(0)

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Receive into a buffer. Raises TimeoutError at the deadline, and ShapeChanged for too many bytes."""
        self.settimeout(self.bounds.left)
        received = super().recv_into(*args, **kwargs)
        self.bounds.count(received)
        self.bounds.take_turns()
        return received


class _BoundedTlsSocket(_BoundedSocket, ssl.SSLSocket):
    """The same over TLS."""


class _Connection(HTTPConnection):
    """HTTP over a socket that is already connected, so that the host name is not looked up again."""

    def __init__(self, url: SplitResult, connected: socket.socket, timeout: float) -> None:
        super().__init__(url.hostname or "", url.port or DEFAULT_PORTS[url.scheme], timeout=timeout)
        self._connected = connected

    def connect(self) -> None:
        """Use the given socket."""
        self.sock = self._connected


@contextmanager
def _connection(url: SplitResult, bounds: _Bounds, limits: Limits) -> Iterator[HTTPConnection]:
    """Open a connection within these bounds."""
    with closing(_connect(url, bounds, limits)) as plain:
        plain.settimeout(bounds.left)
        used = plain
        if url.scheme == "https":
            wrapped = _tls().wrap_socket(plain, server_hostname=(url.hostname or "").rstrip("."))
            used = cast(_BoundedTlsSocket, wrapped)
        used.bounds = bounds
        with closing(_Connection(url, used, bounds.left)) as connection, closing(used):
            yield connection


def _connect(url: SplitResult, bounds: _Bounds, limits: Limits) -> _BoundedSocket:
    """Connect to the first address that accepts. Raises OSError if none does."""
    last: OSError = OSError("no address")
    host, port = url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]
    found = resolve(host, port, bounds.left, allow_private=limits.allow_private, is_fixed_host=limits.is_fixed_host)
    for family, address in found:
        connected = _BoundedSocket(family, socket.SOCK_STREAM)
        try:
            connected.settimeout(min(CONNECT_TIMEOUT, bounds.left))
            connected.connect(address)
        except OSError as error:
            connected.close()
            last = error
        else:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
    raise last


def authority(url: SplitResult) -> str:
    """Return host and port for the Host header: without the dot of a fully qualified name, without the default port."""
    host = (url.hostname or "").rstrip(".")
    name = f"[{host}]" if ":" in host else host
    return name if url.port in (None, DEFAULT_PORTS[url.scheme]) else f"{name}:{url.port}"


@cache
def _tls() -> ssl.SSLContext:
    """Return the TLS settings. Loading the machine's certificates takes longer than a request, so it happens once."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    context.sslsocket_class = _BoundedTlsSocket
    return context


def _sentence(host: str, is_late: bool, seconds: float, error: Exception) -> str:
    if is_late or isinstance(error, TimeoutError):
        return f"{host} did not answer within {seconds:.0f} s."
    if isinstance(error, ssl.SSLError):
        return f"{host} has no certificate that can be trusted."
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses connections."
    return f"{host} did not send a complete response."
