"""A connection with a client of the web server."""

import math
import os
import select
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

from app.arrival import Arrival

READABLE = select.EPOLLIN | select.EPOLLONESHOT
AT_ONCE = READABLE | select.EPOLLOUT

LEAST_RATE = 32 * 1024
"""Bytes a second at which a long request has to come, once its time is over."""


class Listener(SocketUnreader):
    """What gunicorn's parser reads from; nothing more comes once nobody listens to this client any more."""

    until = math.inf
    is_over = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Wait for the next piece; b"" if there is none, or it takes too long. Raises OSError."""
        self.is_over = self.is_over or time.monotonic() > self.until
        piece: bytes = b"" if self.is_over else super().chunk(size_hint)
        self.until += len(piece) / LEAST_RATE
        return piece


class Client(TConn):
    """A connection, with what has been said on it and is no request yet.

    Its socket blocks; what is done with it here does not.
    """

    def init(self) -> None:
        """Begin to listen, if that is not done already; gunicorn asks for it with each request."""
        if not self.initialized:
            super().init()
            self.listener = self.parser.unreader = Listener(self.sock)
            self.arrival = Arrival()

    @property
    def said(self) -> bytes:
        """What has been taken in and not been answered."""
        said: bytes = self.listener.buf.getvalue()
        return said

    def received(self, way: int = 0) -> bytes | None:
        """What has arrived: nothing (b"") if no more will, None if it just has not."""
        try:
            received: bytes = self.sock.recv(65536, socket.MSG_DONTWAIT | way)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        return received

    def take_in(self, piece: bytes) -> None:
        """Put a piece to what has been said."""
        self.listener.buf.seek(0, os.SEEK_END)
        self.listener.buf.write(piece)

    def is_whole(self) -> bool:
        """Whether a thread may go to work on what has been said."""
        return self.arrival.is_whole(self.said)

    def say_no_more(self) -> bool:
        """Close our end; whether it was open."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True


class Waiting(NamedTuple):
    """A connection, what to do with it at its next event, and until when we wait for that."""

    client: Client
    then: Callable[[Client, float], None]
    until: float
    events: int = READABLE
