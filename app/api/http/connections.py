"""The bounds of a client's connection: how many there may be, how long each may take, and how it ends."""

import resource
import socket
import time
from collections.abc import Iterable, Mapping
from typing import Any

from app.api.auth.current_user import SAFE_METHODS
from app.concurrency.greenlets import yield_to_others
from app.config.settings import MAX_BODY_BYTES

MAX_CONNECTIONS = 1000
"""Connections of a web process at a time; further clients wait in the kernel's queue."""

OTHER_FILES = 100
"""Files that a web process may have open besides: connections to PostgreSQL and Redis, the listening socket, code."""

OTHER_LOOKUPS = 8
"""Look-ups of names besides those of boards."""

TURN = 4
"""Requests that a connection may have answered in a row before the others have their turn, if none of them waits."""

SEND_BUFFER_BYTES = 128 * 1024
"""Answers of a connection that the kernel holds, about; without a limit it would take in dozens for a silent client."""

WRITE_TIMEOUT = 30
"""Seconds in which a client must have received an answer."""

LINGER_TIMEOUT = 2.0
"""Seconds that a client may go on sending after our last answer (RFC 9112, 9.6)."""


def raise_file_limit() -> int:
    """Raise this process's soft limit of open files as far as it helps; return how many connections fit below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(MAX_CONNECTIONS, soft - OTHER_FILES))


def bound_connection(environ: Mapping[str, Any]) -> None:
    """Give up on a client that does not take our answer; a body has a deadline besides (app/api/http/bodies.py)."""
    if client := environ.get("gunicorn.socket"):
        client.settimeout(WRITE_TIMEOUT)


def must_close(method: str, headers: Iterable[tuple[str, str]]) -> bool:
    """Return whether no other request may follow on the connection, because of this one's body.

    It may be long, or framed wrongly, or unread when it is answered, and what follows must not pass for a request.
    A short one of known length is read to its end in any case.
    """
    known = {name.upper(): value for name, value in headers}
    length = known.get("CONTENT-LENGTH", "0")
    long = not length.isdecimal() or int(length) > (0 if method in SAFE_METHODS else MAX_BODY_BYTES)
    return long or "TRANSFER-ENCODING" in known


def linger(client: socket.socket) -> None:
    """Wait until the client has closed its end, LINGER_TIMEOUT at most.

    The kernel discards an answer on its way if we close while the client still sends.
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
