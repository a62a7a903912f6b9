"""One request and its response, limited in time and size, to exactly the machine that was checked."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from threading import Timer
from urllib.parse import SplitResult

from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import SKIP_HEADER

from app.config.validators import DEFAULT_PORTS
from app.sources.errors import ShapeChanged, Unreachable
from app.sources.http.ssrf import resolve
from app.sources.types import DOCUMENT

CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True)
class Limits:
    """The limits of one request: its time, its size, and the hosts that it may reach."""

    seconds: float
    max_bytes: int
    allow_private: bool = False
    """True if the host may have a private address: only for addresses that the operator has set."""
    truncate: bool = False
    """True if a response that is too large is truncated instead of refused."""


@dataclass(frozen=True)
class RawResponse:
    """A response with any status. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(url: SplitResult, headers: Mapping[str, str], limits: Limits) -> RawResponse:
    """GET a URL, without redirects. The time limit includes the look-up of the host name.

    Raises Unreachable (no complete response in time), AddressRefused, or ShapeChanged (too large).
    """
    deadline = time.monotonic() + limits.seconds
    try:
        with _connection(url, deadline, allow_private=limits.allow_private) as connection:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            skipped = {"User-Agent": SKIP_HEADER} if "User-Agent" not in headers else {}
            sent = {"Host": _authority(url), "Accept-Encoding": "gzip, deflate", **headers, **skipped}
            connection.request("GET", target, headers=sent, preload_content=False)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.headers.items()}
            raw = RawResponse(response.status, received, _body(response, limits, deadline))
            # The shutdown by the timer may look like the end of the headers, or of a body of unknown length.
            _left(deadline)
            return raw
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        is_late = time.monotonic() >= deadline
        raise Unreachable(_sentence(url.hostname or "", is_late, limits.seconds, error)) from error


def _body(response: BaseHTTPResponse, limits: Limits, deadline: float) -> bytes:
    """Return the whole body. It is decompressed piece by piece: a small one could grow beyond the limit."""
    pieces, size = [], 0
    for piece in response.stream(65536):
        size += len(piece)
        pieces.append(piece)
        if size > limits.max_bytes and limits.truncate:
            break
        if size > limits.max_bytes:
            raise ShapeChanged(DOCUMENT, f"is larger than {limits.max_bytes / 1_000_000:g} MB")
        _left(deadline)
    return b"".join(pieces)[: limits.max_bytes]


class _Connection(HTTPConnection):
    """HTTP over a socket that is already connected, so that the host name is not looked up again."""

    def __init__(self, url: SplitResult, connected: socket.socket, timeout: float) -> None:
        super().__init__(url.hostname or "", url.port or DEFAULT_PORTS[url.scheme], timeout=timeout)
        self._connected = connected

    def connect(self) -> None:
        """Use the given socket."""
        self.sock = self._connected


@contextmanager
def _connection(url: SplitResult, deadline: float, *, allow_private: bool) -> Iterator[HTTPConnection]:
    """Open a connection that is shut at the deadline, even while bytes still arrive slowly."""
    host, port = url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]
    # The TLS socket owns the first handle; the timer needs one of its own.
    with closing(_connect(host, port, deadline, allow_private=allow_private)) as plain, closing(plain.dup()) as handle:
        timer = Timer(_left(deadline), _shut, (handle,))
        timer.daemon = True
        timer.start()
        try:
            plain.settimeout(_left(deadline))
            is_tls = url.scheme == "https"
            used = _tls().wrap_socket(plain, server_hostname=host.rstrip(".")) if is_tls else plain
            with closing(_Connection(url, used, _left(deadline))) as connection, closing(used):
                yield connection
        finally:
            timer.cancel()


def _connect(host: str, port: int, deadline: float, *, allow_private: bool) -> socket.socket:
    """Connect to the first address that accepts. Raises OSError if none does."""
    last: OSError = OSError("no address")
    for family, address in resolve(host, port, _left(deadline), allow_private=allow_private):
        connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            connected.settimeout(min(CONNECT_TIMEOUT, _left(deadline)))
            connected.connect(address)
        except OSError as error:
            connected.close()
            last = error
        else:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
    raise last


def _left(deadline: float) -> float:
    """Return the seconds until the deadline. Raises TimeoutError if it has passed."""
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _authority(url: SplitResult) -> str:
    """Return host and port for the Host header: without the dot of a fully qualified name, without the default port."""
    host = (url.hostname or "").rstrip(".")
    name = f"[{host}]" if ":" in host else host
    return name if url.port in (None, DEFAULT_PORTS[url.scheme]) else f"{name}:{url.port}"


@cache
def _tls() -> ssl.SSLContext:
    """Return the TLS settings. Loading the machine's certificates takes longer than a request, so it happens once."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It was already closed.
        return


def _sentence(host: str, is_late: bool, seconds: float, error: Exception) -> str:
    if is_late or isinstance(error, TimeoutError):
        return f"{host} did not answer within {seconds:.0f} s."
    if isinstance(error, ssl.SSLError):
        return f"{host} has no certificate that can be trusted."
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses connections."
    return f"{host} did not send a complete response."
