"""One request and its answer, bounded in time and size, to exactly the machine that was checked."""

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

from app.sources.errors import ShapeChanged, Unreachable
from app.sources.http.ssrf import resolve

CONNECT_TIMEOUT = 5.0
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Limits:
    """The limits of one exchange: its cost, and the hosts that it may reach."""

    seconds: float
    most_bytes: int
    inward: bool = False
    """Whether the machine may be one that is not public: only for addresses that the operator has set."""
    is_cut: bool = False
    """Whether what is too large is cut, and not refused."""


@dataclass(frozen=True)
class RawResponse:
    """An answer, whatever its status; the names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def send(url: SplitResult, headers: Mapping[str, str], bounds: Limits) -> RawResponse:
    """GET an address; redirects are not followed. The look-up of its name is part of the time.

    Raises Unreachable (no answer, or none that is whole, or not in time), AddressRefused, ShapeChanged (too large).
    """
    deadline = time.monotonic() + bounds.seconds
    try:
        with _connection(url, deadline, inward=bounds.inward) as connection:
            target = (url.path or "/") + (f"?{url.query}" if url.query else "")
            skipped = {"User-Agent": SKIP_HEADER} if "User-Agent" not in headers else {}
            wanted = {"Host": _authority(url), "Accept-Encoding": "gzip, deflate", **headers, **skipped}
            connection.request("GET", target, headers=wanted, preload_content=False)
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.headers.items()}
            reply = RawResponse(response.status, named, _body(response, bounds, deadline))
            # The end that the alarm made may pass for the end of the headers, or of a body of unknown length.
            _left(deadline)
            return reply
    except (HTTPError, HTTPException, OSError, ValueError) as error:
        late = time.monotonic() >= deadline
        raise Unreachable(_sentence(url.hostname or "", late, bounds.seconds, error)) from error


def _body(response: BaseHTTPResponse, bounds: Limits, deadline: float) -> bytes:
    """The whole body, decompressed piece by piece, so that a small one cannot become a huge one unnoticed."""
    pieces, size = [], 0
    for piece in response.stream(65536):
        size += len(piece)
        pieces.append(piece)
        if size > bounds.most_bytes and bounds.is_cut:
            break
        if size > bounds.most_bytes:
            raise ShapeChanged("the whole answer", f"is larger than {bounds.most_bytes / 1_000_000:g} MB")
        _left(deadline)
    return b"".join(pieces)[: bounds.most_bytes]


class _Connection(HTTPConnection):
    """HTTP over a socket that is connected already: it looks up no name, and connects to nothing itself."""

    def __init__(self, url: SplitResult, connected: socket.socket, timeout: float) -> None:
        super().__init__(url.hostname or "", url.port or DEFAULT_PORTS[url.scheme], timeout=timeout)
        self._connected = connected

    def connect(self) -> None:
        """Take the socket."""
        self.sock = self._connected


@contextmanager
def _connection(url: SplitResult, deadline: float, *, inward: bool) -> Iterator[HTTPConnection]:
    """A connection whose socket has a timeout, and is shut at the deadline, however slowly something comes in."""
    host, port = url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]
    # TLS takes the first handle over; the alarm needs one of its own.
    with closing(_connect(host, port, deadline, inward=inward)) as plain, closing(plain.dup()) as handle:
        alarm = Timer(_left(deadline), _shut, (handle,))
        alarm.daemon = True
        alarm.start()
        try:
            plain.settimeout(_left(deadline))
            is_tls = url.scheme == "https"
            used = _tls().wrap_socket(plain, server_hostname=host.rstrip(".")) if is_tls else plain
            with closing(_Connection(url, used, _left(deadline))) as connection, closing(used):
                yield connection
        finally:
            alarm.cancel()


def _connect(host: str, port: int, deadline: float, *, inward: bool) -> socket.socket:
    """Connect to the first address that answers."""
    last: OSError = OSError("no address")
    for family, where in resolve(host, port, _left(deadline), inward=inward):
        dialled = socket.socket(family, socket.SOCK_STREAM)
        try:
            dialled.settimeout(min(CONNECT_TIMEOUT, _left(deadline)))
            dialled.connect(where)
        except OSError as error:
            dialled.close()
            last = error
        else:
            dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return dialled
    raise last


def _left(deadline: float) -> float:
    """The seconds until the deadline. Raises TimeoutError if there are none."""
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _authority(url: SplitResult) -> str:
    """Host and port as the Host header has them: without the dot of a whole name, and without the usual port."""
    host = (url.hostname or "").rstrip(".")
    name = f"[{host}]" if ":" in host else host
    return name if url.port in (None, DEFAULT_PORTS[url.scheme]) else f"{name}:{url.port}"


@cache
def _tls() -> ssl.SSLContext:
    """Reading the machine's certificates takes longer than a request; once is enough."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It has ended by itself.
        return


def _sentence(host: str, late: bool, seconds: float, error: Exception) -> str:
    if late or isinstance(error, TimeoutError):
        return f"{host} did not answer within {seconds:.0f} s."
    if isinstance(error, ssl.SSLError):
        return f"{host} has no certificate that can be trusted."
    if isinstance(error, ConnectionRefusedError):
        return f"{host} refuses connections."
    return f"{host} gave no whole answer."
