"""Limits of client connections: their number, their timeouts, and their end."""

import resource
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any

from app.api.auth.current_user import SAFE_METHODS
from app.concurrency.greenlets import yield_to_others
from app.config.settings import MAX_BODY_BYTES

MAX_CONNECTIONS = 1000
"""Connections that a web process holds open; further clients wait in the kernel's queue."""

RESERVED_FILES = 100
"""Open files for everything but clients: PostgreSQL, Redis, the listening socket, code."""

RESERVED_LOOKUPS = 8
"""Simultaneous DNS look-ups of PostgreSQL and Redis."""

MAX_REQUESTS_IN_A_ROW = 4
"""Requests of one connection that are served before other connections have their turn."""

SEND_BUFFER_BYTES = 128 * 1024
"""The kernel's send buffer for each client, in bytes. Its default would buffer dozens of responses."""

WRITE_TIMEOUT = 30
"""Seconds that one write to a client may block."""

LINGER_TIMEOUT = 2.0
"""Seconds for which a client may still send after the last response (RFC 9112, 9.6)."""


def raise_file_limit() -> int:
    """Raise the process's soft limit of open files as far as needed; return how many connections fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, soft - RESERVED_FILES))


def set_write_timeout(environ: Mapping[str, Any]) -> None:
    """Set the timeout of each write to the client; a client that stops reading is then dropped.

    Bodies have a deadline in app/api/http/bodies.py.
    """
    if client := environ.get("gunicorn.socket"):
        client.settimeout(WRITE_TIMEOUT)


def must_close(method: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Return whether the connection must close after this request because of its body (request smuggling).

    A body that is long, framed wrongly or left unread must not be parsed as the next request. The server reads a body
    to its end only if the method allows one, its length is known, and it is short.
    """
    values = {name.upper(): value for name, value in headers}
    length = values.get("CONTENT-LENGTH", "0")
    long = not length.isdecimal() or int(length) > (0 if method in SAFE_METHODS else MAX_BODY_BYTES)
    return long or "TRANSFER-ENCODING" in values


def linger(client: socket.socket) -> None:
    """Wait until the client has closed its end, for LINGER_TIMEOUT at most.

    If the server closes while the client still sends, the kernel discards the response on its way.
    """
    until = time.monotonic() + LINGER_TIMEOUT
    try:
        client.shutdown(socket.SHUT_WR)
        while (left := until - time.monotonic()) > 0:
            client.settimeout(left)
            if not client.recv(65536):
                return
            yield_to_others()
    except OSError:
        return
